import type { IncomingHttpHeaders } from 'node:http';
import * as v from 'valibot';

export interface RestRequest {
  /** What the pattern of the route captured, decoded. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Undefined where none was sent. */
  readonly body: unknown;
}

export interface RestAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Of the path without a trailing slash; its only group is the ID. */
  readonly path: RegExp;
  readonly answer: (request: RestRequest) => RestAnswer | Promise<RestAnswer>;
}

/** The answer of a request that is refused; each service has its own body for it. */
export class RestRefusal extends Error {
  override readonly name = 'RestRefusal';
  readonly status: number;
  /** Six digits, the first three are the status. */
  readonly errorCode: number;
  /** The name of the code in the bodies of IoT Hub. */
  readonly word: string;

  readonly headers: Readonly<Record<string, string>>;

  constructor(errorCode: number, word: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.headers = headers;
    this.status = Math.trunc(errorCode / 1_000);
    this.errorCode = errorCode;
    this.word = word;
  }
}

/** @throws RestRefusal 400 that names the field */
export function read<T extends v.GenericSchema>(schema: T, body: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, body);
  if (!result.success) {
    const [issue] = result.issues;
    throw new RestRefusal(400004, 'ArgumentInvalid', `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`);
  }
  return result.output;
}

const DEFAULT_PAGE = 100;

/** One page of a query: `x-ms-max-item-count` asks for its size, `x-ms-continuation` is there while more is left. */
export function page(items: readonly unknown[], headers: IncomingHttpHeaders, type: string): RestAnswer {
  const size = Number(headers['x-ms-max-item-count'] ?? DEFAULT_PAGE);
  const from = Number(Buffer.from(String(headers['x-ms-continuation'] ?? ''), 'base64').toString());
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(from)) {
    throw new RestRefusal(400004, 'ArgumentInvalid', 'Invalid page size or continuation token.');
  }
  const next = from + size;
  const more = next < items.length ? { 'x-ms-continuation': Buffer.from(String(next)).toString('base64') } : {};
  return { status: 200, body: items.slice(from, next), headers: { 'x-ms-item-type': type, ...more } };
}

const unquoted = (etag: string): string => etag.replaceAll('"', '');

/** Whether If-Match admits this etag: absent and `*` do. Quotes do not count: the official clients differ in them. */
export function matches({ 'if-match': wanted }: IncomingHttpHeaders, etag: string): boolean {
  return wanted === undefined || unquoted(wanted) === '*' || unquoted(wanted) === unquoted(etag);
}
