/** Signatures by the rules of Standard Webhooks. */
import { Webhook as Signer } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { isSecret, messageId, newSecret, signedHeaders } from '../../src/delivery/secrets.js';

it('S221 the test vector of Standard Webhooks is signed as it has to be', () => {
  const headers = signedHeaders(
    {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      at: 1_614_265_330_000,
      body: '{"test": 2432232314}',
    },
    [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', until: null }],
  );
  expect(headers).toMatchObject({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

it('S221 a receiver verifies with either secret while both are valid, and with no other', () => {
  const [old, fresh, foreign] = [newSecret(), newSecret(), newSecret()];
  const at = Date.now();
  const body = JSON.stringify({ type: 'run.completed', text: 'ä☃' });
  const message = { id: messageId('a.run/ä', 7, at), at, body };
  const verify = (secret: string, until: number) => {
    const secrets = [
      { secret: fresh, until: null },
      { secret: old, until },
    ];
    return () => new Signer(secret).verify(body, signedHeaders(message, secrets));
  };
  expect(verify(fresh, at + 1)()).toEqual(JSON.parse(body));
  expect(verify(old, at + 1)()).toEqual(JSON.parse(body));
  expect(verify(old, at)).toThrow(/signature/i);
  expect(verify(foreign, at + 1)).toThrow(/signature/i);
  const headers = signedHeaders(message, [{ secret: fresh, until: null }]);
  expect(() => new Signer(fresh).verify(`${body} `, headers)).toThrow(/signature/i);
});

it('S221 secrets have 24 to 64 bytes, and ids of messages depend on run, number and time alone', () => {
  expect(isSecret(newSecret())).toBe(true);
  const of = (bytes: number) => `whsec_${Buffer.alloc(bytes, 1).toString('base64')}`;
  expect([23, 24, 64, 65].map((bytes) => isSecret(of(bytes)))).toEqual([false, true, true, false]);
  expect([undefined, '', 'whsec_', 'secret', 'whsec_ä'].map(isSecret)).toEqual(
    Array(5).fill(false),
  );
  expect(messageId('r', 1, 5)).toBe(messageId('r', 1, 5));
  expect(messageId('r', 1, 5)).toMatch(/^evt_[0-9a-f]{32}$/);
  const others = [messageId('r', 2, 5), messageId('r', 1, 6), messageId('r/1', 1, 5)];
  expect(new Set([messageId('r', 1, 5), ...others]).size).toBe(4);
});
