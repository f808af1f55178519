import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: object;
  readonly result?: object;
  readonly error?: { readonly message: string };
}

/** One page of Debian's Chromium, driven by the Chrome DevTools Protocol. It ends with the test. */
export class Page {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #heard = new Map<string, (params: object) => void>();
  #last = 0;
  /** What the page asked the network for, and errors of its script. */
  readonly asked: string[] = [];
  readonly errors: string[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#take(JSON.parse(String(data))));
  }

  /** @param context the test, or what else ends */
  static async open(context: { readonly after: (end: () => Promise<unknown>) => unknown }): Promise<Page> {
    const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
    const child = spawn(
      'chromium',
      [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--no-first-run',
        '--window-size=1280,900',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    context.after(async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 20 });
    });
    for await (const line of createInterface(child.stderr)) {
      const [, url] = /^DevTools listening on ws:\/\/([^/]+)/.exec(line) ?? [];
      if (url === undefined) continue;
      child.stderr.resume();
      const targets = (await (await fetch(`http://${url}/json`)).json()) as readonly {
        readonly type: string;
        readonly webSocketDebuggerUrl: string;
      }[];
      const socket = new WebSocket(targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
      await once(socket, 'open');
      const page = new Page(socket);
      for (const domain of ['Page', 'Runtime', 'Network']) await page.send(`${domain}.enable`);
      return page;
    }
    throw new Error('chromium has ended');
  }

  #take({ id, method, params = {}, ...answer }: Answer): void {
    if (id !== undefined) this.#waiting.get(id)?.(answer);
    const told = new Map<string, unknown>(Object.entries(params));
    if (method === 'Network.requestWillBeSent') {
      const { url } = told.get('request') as { readonly url: string };
      if (!url.startsWith('file:') && !url.startsWith('data:')) this.asked.push(url);
    }
    if (method === 'Runtime.exceptionThrown') this.errors.push(JSON.stringify(told.get('exceptionDetails')));
    if (method !== undefined) this.#heard.get(method)?.(params);
  }

  async send(method: string, params: object = {}): Promise<object> {
    this.#last += 1;
    const id = this.#last;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result = {}, error } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** @returns milliseconds until it was loaded, as the page measures them */
  async load(url: string): Promise<number> {
    const loaded = new Promise((resolve) => this.#heard.set('Page.loadEventFired', resolve));
    await this.send('Page.navigate', { url });
    await loaded;
    return (await this.evaluate('performance.getEntriesByType("navigation")[0].loadEventStart')) as number;
  }

  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { readonly result: { readonly value?: unknown }; readonly exceptionDetails?: object };
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }
}
