/** A message on the session with a hub. */
export interface HubMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
}

/** `ended`: newleaf ended the session itself. `lost`: the hub did, or the link. */
export type SessionEnd = 'ended' | 'lost';

/** The proven session with a hub, as far as the gateway's own programs may use it. */
export interface HubSession {
  /** The ID of the device at this hub: its topics begin with it. */
  readonly deviceId: string;
  /**
   * QoS 1: fulfilled by the PUBACK. QoS 0: as soon as it is written.
   * @throws Fault NL-HUB-LOST when the session ends before
   */
  publish(message: HubMessage): Promise<void>;
  /** @throws Fault NL-HUB-LOST when the session ends before its SUBACK; Error where the hub refuses the filter */
  subscribe(filter: string, qos: 0 | 1): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Ends it as one that is lost: the gateway connects again. @param why for the log and for `status` */
  giveUp(why: string): void;
  /** Fulfilled when the session is over, and it is known whether a newer one has taken its place. */
  readonly closed: Promise<SessionEnd>;
}

/** Requests about the twin that the second user makes have IDs that begin with this: newleaf leaves their answers to it. */
export const USER_REQUEST = 'uplink-';

/** A second user of the session: the uplink. */
export interface SessionUser {
  /** After CONNACK 0 and the twin read. */
  opened(session: HubSession): void;
  /**
   * A message that newleaf itself does not want, also before `opened`: a hub sends waiting messages right after CONNACK.
   * @returns undefined where it is not wanted here either. Else, for QoS 1, the PUBACK goes out when the promise is fulfilled;
   * rejected, it does not, and the hub sends the message again on its next session
   */
  arrived(session: HubSession, message: HubMessage): Promise<void> | undefined;
}

/** Hands the session on to a user that may come later than it. */
export class SharedSession implements SessionUser {
  #user: SessionUser | undefined;
  #open: HubSession | undefined;

  use(user: SessionUser): void {
    this.#user = user;
    if (this.#open !== undefined) user.opened(this.#open);
  }

  opened(session: HubSession): void {
    this.#open = session;
    void session.closed.then(() => {
      if (this.#open === session) this.#open = undefined;
    });
    this.#user?.opened(session);
  }

  arrived(session: HubSession, message: HubMessage): Promise<void> | undefined {
    return this.#user?.arrived(session, message);
  }
}
