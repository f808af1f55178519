import type { TlsConnector } from '../../hsm/connector.ts';
import { csr } from '../../hsm/csr.ts';
import { prepareEngine } from '../../hsm/engine.ts';
import type { PublicKey } from '../../hsm/public-key.ts';
import { TokenConnectors } from '../../hsm/tls.ts';
import { openToken, type Token } from '../../hsm/token.ts';
import { freshId } from '../contract/token/fresh-id.ts';
import { softHsm, type TestToken } from '../contract/token/softhsm.ts';
import { setEnvironment } from '../put-back.ts';
import type { Endpoints } from '../simulator/api.ts';
import type { RemoteSimulator } from '../simulator/client.ts';
import { rawEnrolment } from './raw-enrolment.ts';
import { RawLink } from './raw-link.ts';

/** A key in the token, and its chain. */
export interface RawLeaf {
  readonly key: PublicKey;
  readonly chain: string;
}

/**
 * What re-registrations and rolls consist of, with a token key, and without SDK, rules and journal: the fewest packets
 * that Azure allows. It runs in the process of the bench, so there is one of it.
 */
export class RawDevice {
  readonly registrationId: string;
  readonly token: Token;
  readonly hsm: TestToken;
  readonly #at: Endpoints;
  readonly #connectors: TokenConnectors;

  private constructor(at: Endpoints, registrationId: string, hsm: TestToken, token: Token) {
    this.registrationId = registrationId;
    this.token = token;
    this.hsm = hsm;
    this.#at = at;
    this.#connectors = new TokenConnectors(token, hsm.pin, hsm.directory);
  }

  static async open(at: Endpoints, registrationId: string): Promise<RawDevice> {
    const made = softHsm('raw');
    const putBack = setEnvironment(made.environment);
    const remove = () => {
      putBack();
      made.remove();
    };
    const hsm = { ...made, remove };
    prepareEngine(hsm.module);
    const token = await openToken({ module: hsm.module, token: hsm.token, uri: undefined, pin: hsm.pin });
    return new RawDevice(at, registrationId, hsm, token);
  }

  /** A key and a leaf that the CA signs outside of EST. */
  async firstLeaf(far: RemoteSimulator): Promise<RawLeaf> {
    const key = await this.generate('newleaf-a');
    return { key, chain: await far.issue(await this.csr(key)) };
  }

  generate(label: string): Promise<PublicKey> {
    return this.token.generate(label, 'ec-p256', freshId());
  }

  csr(key: PublicKey): Promise<string> {
    return csr(this.registrationId, key, (message) => this.token.sign(key, message));
  }

  /** Enrols with the leaf that is there, as EST's simplereenroll wants it. Returns the chain. */
  async enrol(csrPem: string, current: RawLeaf): Promise<string> {
    return rawEnrolment(this.#at.est, csrPem, await this.#connector(current, this.#at.estCaPem));
  }

  /** Registers with DPS, and polls at once where it must. Returns the hub. */
  async register(leaf: RawLeaf): Promise<string> {
    const { dps, idScope, trustPem } = this.#at;
    const { registrationId } = this;
    const username = `${idScope}/registrations/${registrationId}/api-version=2019-03-31`;
    const link = await RawLink.open(dps, await this.#connector(leaf, trustPem), registrationId, username);
    await link.subscribe('$dps/registrations/res/#');
    let topic = '$dps/registrations/PUT/iotdps-register/?$rid=1';
    for (;;) {
      const answer = JSON.parse(await link.ask(topic, JSON.stringify({ registrationId })));
      if (answer.status !== 'assigning') {
        link.end();
        return answer.registrationState.assignedHub;
      }
      topic = `$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=${answer.operationId}`;
    }
  }

  /** Connects to the hub: the link knows with which CONNACK. */
  async connect(leaf: RawLeaf, hub: string): Promise<RawLink> {
    const { registrationId } = this;
    const connector = await this.#connector(leaf, this.#at.trustPem);
    return RawLink.open(hub, connector, registrationId, `${hub}/${registrationId}/?api-version=2021-04-12`);
  }

  async readTwin(link: RawLink): Promise<void> {
    await link.subscribe('$iothub/twin/res/#');
    await link.ask('$iothub/twin/GET/?$rid=1', '');
  }

  #connector({ key, chain }: RawLeaf, ca: string): Promise<TlsConnector> {
    return this.#connectors.connector({ id: key.id, chain, ca });
  }
}
