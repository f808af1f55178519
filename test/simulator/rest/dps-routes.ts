import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Namespace } from '../adr/namespace.ts';
import { CertificateTaken, type Enrollment, type Enrollments } from '../enrollments.ts';
import type { Switches } from '../switches.ts';
import { badRequest, enrollmentBody, inputOf, readEnrollment, stateBody } from './enrollment-body.ts';
import { policyBody, policyIn } from './policy-names.ts';
import { evaluate } from './query.ts';
import { matches, page, type RestAnswer, RestRefusal, type RestRequest, type Route, read } from './route.ts';

type Kind = Enrollment['kind'];
type Headers = RestRequest['headers'];

const Query = v.looseObject({ query: v.string() });
/** az iot sends none for the members of a group. */
const ALL = { query: 'SELECT * FROM registrations' };

const noEnrollment = (id: string): RestRefusal => new RestRefusal(404201, 'NotFound', `Enrollment not found: ${id}`);
const noRegistration = (id: string): RestRefusal =>
  new RestRefusal(404202, 'NotFound', `Registration not found: ${id}`);
const etagDiffers = (): RestRefusal => new RestRefusal(412201, 'PreconditionFailed', 'Precondition failed.');

/** The body of every error of DPS (common_prov_e2e.c of azure-iot-sdk-c holds one). */
export function dpsRefusalBody({ errorCode, message }: RestRefusal): object {
  return { errorCode, trackingId: randomUUID(), message, timestampUtc: new Date().toISOString() };
}

/** The service API of DPS, version 2021-10-01; the certificate policy of an enrollment as later versions have it. */
export class DpsRest {
  readonly routes: readonly Route[];
  readonly #enrollments: Enrollments;
  readonly #switches: Switches;
  readonly #namespace: Namespace;

  constructor(enrollments: Enrollments, switches: Switches, namespace: Namespace) {
    this.#enrollments = enrollments;
    this.#switches = switches;
    this.#namespace = namespace;
    this.routes = [
      { method: 'POST', path: /^\/registrations\/([^/]+)\/query$/i, answer: (request) => this.#members(request) },
      { method: 'GET', path: /^\/registrations\/([^/]+)$/i, answer: ({ id }) => this.#registration(id) },
      { method: 'DELETE', path: /^\/registrations\/([^/]+)$/i, answer: (request) => this.#forget(request) },
      ...this.#crud('individual', 'enrollments'),
      ...this.#crud('group', 'enrollmentGroups'),
    ];
  }

  #crud(kind: Kind, collection: string): Route[] {
    const all = new RegExp(`^/${collection}/query$`, 'i');
    const one = new RegExp(`^/${collection}/([^/]+)$`, 'i');
    const type = kind === 'individual' ? 'enrollment' : 'enrollmentGroup';
    return [
      { method: 'POST', path: all, answer: (request) => this.#query(request, [...this.#of(kind).values()], type) },
      { method: 'GET', path: one, answer: (request) => this.#read(kind, request) },
      { method: 'PUT', path: one, answer: (request) => this.#put(kind, request) },
      { method: 'DELETE', path: one, answer: ({ id, headers }) => this.#remove(kind, id, headers) },
    ];
  }

  #of(kind: Kind): ReadonlyMap<string, Enrollment> {
    return kind === 'individual' ? this.#enrollments.individuals : this.#enrollments.groups;
  }

  #get(kind: Kind, id: string): Enrollment {
    const found = this.#of(kind).get(id);
    if (found === undefined) throw noEnrollment(id);
    return found;
  }

  #read(kind: Kind, { id, query }: RestRequest): RestAnswer {
    return { status: 200, body: this.#body(this.#get(kind, id), query) };
  }

  #body(enrollment: Enrollment, query: URLSearchParams): object {
    const registration = this.#enrollments.registrations.get(enrollment.id);
    const policy = policyBody(enrollment, versionIn(query), this.#namespace);
    return { ...enrollmentBody(enrollment, registration), ...policy };
  }

  /** Creates without If-Match, updates with one. */
  #put(kind: Kind, { id, body: sent, headers, query }: RestRequest): RestAnswer {
    const body = readEnrollment(sent);
    const named = kind === 'individual' ? body.registrationId : body.enrollmentGroupId;
    if (named !== id) throw badRequest('The ID in the body differs from the one in the path.');
    const before = this.#of(kind).get(id);
    if (before !== undefined && headers['if-match'] === undefined) {
      throw new RestRefusal(409201, 'Conflict', `Enrollment already exists: ${id}`);
    }
    if (before === undefined && headers['if-match'] !== undefined) throw noEnrollment(id);
    if (before !== undefined && !matches(headers, before.etag)) throw etagDiffers();
    const certificatePolicy = policyIn(body, versionIn(query), this.#namespace);
    const input = { ...inputOf(body, before, this.#switches), ...(certificatePolicy && { certificatePolicy }) };
    for (const name of Object.values(input.caReferences ?? {})) {
      if (!this.#enrollments.cas.verified(name)) {
        throw badRequest(`The CA certificate "${name}" does not exist, or is not verified.`);
      }
    }
    try {
      const stored =
        kind === 'group'
          ? this.#enrollments.putGroup({ groupId: id, ...input })
          : this.#enrollments.putIndividual({ registrationId: id, ...deviceIdOf(body.deviceId), ...input });
      return { status: 200, body: this.#body(stored, query) };
    } catch (error) {
      throw error instanceof CertificateTaken ? new RestRefusal(409202, 'Conflict', error.message) : error;
    }
  }

  #remove(kind: Kind, id: string, headers: Headers): RestAnswer {
    if (!matches(headers, this.#get(kind, id).etag)) throw etagDiffers();
    this.#enrollments.remove(id);
    return { status: 204 };
  }

  #query({ body, headers, query }: RestRequest, enrollments: readonly Enrollment[], type: string): RestAnswer {
    const rows = enrollments.map((enrollment) => this.#body(enrollment, query));
    return page(evaluate(read(Query, body).query, { [`${type}s`.toLowerCase()]: rows }, rows), headers, type);
  }

  #members({ id, body, headers }: RestRequest): RestAnswer {
    this.#get('group', id);
    const rows = [...this.#enrollments.registrations.values()].filter(({ group }) => group === id).map(stateBody);
    return page(evaluate(read(Query, body ?? ALL).query, { registrations: rows }, rows), headers, 'deviceRegistration');
  }

  #registration(id: string): RestAnswer {
    const found = this.#enrollments.registrations.get(id);
    if (found === undefined) throw noRegistration(id);
    return { status: 200, body: stateBody(found) };
  }

  #forget({ id, headers }: RestRequest): RestAnswer {
    const found = this.#enrollments.registrations.get(id);
    if (found === undefined) throw noRegistration(id);
    if (!matches(headers, found.etag)) throw etagDiffers();
    this.#enrollments.registrations.delete(id);
    return { status: 204 };
  }
}

const versionIn = (query: URLSearchParams): string => query.get('api-version') ?? '';

const deviceIdOf = (deviceId: string | null | undefined): { readonly deviceId?: string } =>
  deviceId ? { deviceId } : {};
