/** A plan and its handlers, apart from whatever runs them. */
import { plan } from 'runchart';

export const invoice = plan('Send an invoice', { result: 'nodes["send"].output' })
  .action('write', { handler: 'write' })
  .approval('check')
  .action('send', {
    handler: 'send',
    retry: { maxAttempts: 5, backoff: 'exponential', delayMs: 60_000 },
  })
  .edge('write', 'check')
  .edge('check', 'send', { map: { text: 'nodes["write"].output.text' } })
  .build();

export const handlers = {
  write: ({ customer, hours }) => ({ text: `${customer}: ${hours * 90} EUR` }),
  send: ({ text }) => ({ sent: text }),
};
