/** What a client has subscribed to: of one connection, or of all that it makes with CleanSession 0. */
export class MqttSession {
  readonly #granted = new Map<string, number>();

  subscribe(filter: string, qos: number): void {
    this.#granted.set(filter, qos);
  }

  unsubscribe(filter: string): void {
    this.#granted.delete(filter);
  }

  get size(): number {
    return this.#granted.size;
  }

  has(filter: string): boolean {
    return this.#granted.has(filter);
  }

  /** The QoS by which a message on this topic goes out; undefined where nobody has subscribed to it. */
  qosFor(topic: string): 0 | 1 | undefined {
    const fitting = [...this.#granted].filter(([filter]) =>
      filter.endsWith('#') ? topic.startsWith(filter.slice(0, -1)) : filter === topic,
    );
    return fitting.length === 0 ? undefined : fitting.some(([, qos]) => qos > 0) ? 1 : 0;
  }
}
