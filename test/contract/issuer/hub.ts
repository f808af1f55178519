import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { MethodAnswer } from '../../simulator/methods.ts';
import { told } from './asked.ts';
import { installFirst } from './inbox.ts';
import type { Open } from './way.ts';
import { granted, pemOf, type Wish } from './wish.ts';

/** A back end signs over the live connection, by direct methods. Only the first leaf comes another way. */
export const openHub: Open = async (far) => ({
  settings: { 'leaf.issuer': '"hub"' },
  way(gateway) {
    const call = (name: string, payload: object = {}) => far.callMethod(gateway.registrationId, name, payload);
    let issued = 0;
    let early: { readonly chain: string; readonly answer: MethodAnswer } | undefined;

    const deliver = async (wish: Wish) => {
      const { status, payload } = await call('requestCsr');
      assert.equal(status, 200);
      issued += 1;
      const chain = pemOf(await granted(wish, (payload as { csr: string }).csr, far));
      return { chain, answer: await call('installLeaf', { chain }) };
    };
    return {
      async first() {
        issued += 1;
        await installFirst(gateway, far);
      },
      async bring(wish) {
        const { answer } = await deliver(wish);
        assert.equal(answer.status, 202, JSON.stringify(answer.payload));
      },
      async refused(wish) {
        const { answer } = await deliver(wish);
        assert.equal(answer.status, 400);
        return told(answer.payload as Record<string, unknown>);
      },
      earlyMs: 4_000,
      async early(wish) {
        early = await deliver(wish);
        assert.equal(early.answer.status, 409);
        return told(early.answer.payload as Record<string, unknown>);
      },
      async patience() {
        if (early === undefined) return;
        const { chain, answer } = early;
        await pause((answer.payload as { retryAfterSeconds: number }).retryAfterSeconds * 1_000);
        assert.equal((await call('installLeaf', { chain })).status, 202);
      },
      issued: () => issued,
    };
  },
});
