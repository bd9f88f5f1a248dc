/** Where webhooks may be sent: no request leaves for what is not public, however it is written. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AddressPolicy, isPublicAddress } from '../../src/delivery/address-policy.js';
import { Sender } from '../../src/delivery/send.js';

const NOT_PUBLIC = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.254'],
  ...['127.0.0.1', '127.255.255.255', '169.254.0.1', '169.254.169.254', '169.254.170.2'],
  ...['172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.0.192', '192.0.2.1', '192.88.99.1'],
  ...['192.168.0.1', '192.168.255.255', '198.18.0.1', '198.19.255.255', '198.51.100.1'],
  ...['203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1'],
  ...['::ffff:169.254.169.254', '::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe'],
  ...['64:ff9b:1::1', '64:ff9b:1::10.0.0.1', '100::1', '2001::1', '2001:0:7f00:1::', '2001:10::1'],
  ...['2001:db8::1', '2002:7f00:1::', '2002:a00:1::1', '3fff::1', '5f00::1', 'fc00::1', 'fd00::1'],
  ...['fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', '4000::1'],
  ...['', 'localhost', '1.2.3', '0x7f.0.0.1', '2130706433', '127.1', '::g'],
];
const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0'],
  ...['126.255.255.255', '128.0.0.1', '169.253.255.255', '172.15.255.255', '172.32.0.0'],
  ...['192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255'],
  ...['2606:4700::1111', '2a00:1450:4001::1', '2003::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'],
  '64:ff9b::808:808',
];

/** Hosts as URLs may write them, all of which are 127.0.0.1 or another one of ours. */
const DISGUISES = [
  ...['http://2130706433/', 'http://0x7f000001/', 'http://0177.0.0.1/', 'http://127.1/'],
  ...['http://0/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/'],
  ...['http://0x7f.1/', 'http://127.0.0.1./', 'http://①②⑦.0.0.1/', 'http://[64:ff9b::7f00:1]/'],
  ...['https://169.254.169.254/latest/meta-data', 'https://[fe80::1]/', 'https://[fd00:ec2::254]/'],
  ...['https://0.0.0.0/', 'https://100.100.100.200/', 'https://192.168.1.1/', 'https://[::]/'],
];

describe('an address', () => {
  it.each(NOT_PUBLIC)('S221 %s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(PUBLIC)('S221 %s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('a URL', () => {
  const strict = new AddressPolicy();

  it.each(DISGUISES)('S221 %s is refused before anything is sent', async (text) => {
    expect(new AddressPolicy({ allowHttp: true }).problemOf(new URL(text))).toMatch(/not a public/);
    const sender = new Sender({
      policy: strict,
      resolve: () => Promise.reject(new Error('asked')),
    });
    await expect(send(sender, text)).rejects.toMatchObject({ code: 'address-refused' });
  });

  it.each([
    ['http://example.com/', /plain http/],
    ['ftp://example.com/', /not http or https/],
    ['file:///etc/passwd', /not http or https/],
    ['gopher://example.com/', /not http or https/],
    ['https://user@example.com/', /user name/],
    ['https://user:secret@example.com/', /user name/],
  ])('S221 %s is refused', (text, why) => {
    expect(strict.problemOf(new URL(text))).toMatch(why);
  });

  it('S221 may be private or plain http where it is allowed, and only there', () => {
    const allowPrivate = ['10.1.0.0/16', 'fd00::/8', 'hooks.internal', '127.0.0.1'];
    const policy = new AddressPolicy({ allowPrivate });
    const urls = ['http://10.1.2.3/', 'http://[fd00::1]/', 'http://hooks.internal:8080/'];
    for (const text of urls)
      expect([text, policy.problemOf(new URL(text))]).toEqual([text, undefined]);
    expect(policy.problemOf(new URL('https://10.2.0.1/'))).toMatch(/not a public/);
    expect(policy.problemOf(new URL('http://other.internal/'))).toMatch(/plain http/);
    expect(policy.allows('hooks.internal', '192.168.1.1')).toBe(true);
    expect(policy.allows('HOOKS.internal.', '192.168.1.1')).toBe(true);
    expect(policy.allows('evil.example', '192.168.1.1')).toBe(false);
    expect(policy.allows('evil.example', '10.1.9.9')).toBe(true);
    expect(policy.allows('evil.example', '::ffff:10.1.9.9')).toBe(true);
    for (const entry of ['', 'a b', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', 'http://x']) {
      expect(() => new AddressPolicy({ allowPrivate: [entry] })).toThrow(/neither a host/);
    }
  });
});

describe('the connection', () => {
  it('S221 goes to the address that was checked, and a name with one private address is refused', async () => {
    const { port, requests } = await serve((_, response) => response.end());
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '8.8.8.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
      [],
    ];
    const codes = ['address-refused', 'address-refused', 'address-refused', 'host-unknown'];
    for (const [place, answer] of answers.entries()) {
      const policy = new AddressPolicy({ allowHttp: true });
      const sender = new Sender({ policy, resolve: async () => answer });
      const sent = send(sender, `http://hooks.example:${port}/`);
      await expect(sent).rejects.toMatchObject({ code: codes[place] });
    }
    expect(requests).toEqual([]);
    // What the name is at the time of the check is what is connected to: it is asked for once.
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const allowed = new AddressPolicy({ allowPrivate: ['127.0.0.0/8'], allowHttp: true });
    const sender = new Sender({ policy: allowed, resolve });
    expect(await send(sender, `http://hooks.example:${port}/`)).toMatchObject({ status: 200 });
    expect([asked, requests]).toEqual([1, ['/']]);
    sender.close();
  });

  it('S221 follows no redirect', async () => {
    const { port, requests } = await serve((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    const sender = openSender();
    expect(await send(sender, `http://127.0.0.1:${port}/a`)).toMatchObject({ status: 302 });
    expect(requests).toEqual(['/a']);
    sender.close();
  });

  it('S221 is not kept waiting by an answer that switches protocols', async () => {
    const { port } = await serve(({ socket }) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    const sender = openSender();
    await expect(send(sender, `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'connection-failed',
    });
    sender.close();
  });

  it('S221 reads no more of an answer than its limit, and is cut where the answer does not end', async () => {
    let written = 0;
    const { port } = await serve((_, response) => {
      const flood = () => {
        while (!response.destroyed && written < 50_000_000) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', flood);
        }
      };
      flood();
    });
    const sender = openSender();
    expect(await send(sender, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 });
    await new Promise(setImmediate);
    expect(written).toBeLessThan(20_000_000);
    sender.close();
  });

  it('S221 is given up with its signal, and one that cannot be made says so', async () => {
    const { port, server } = await serve(() => {});
    const sender = openSender();
    const stop = new AbortController();
    const sent = send(sender, `http://127.0.0.1:${port}/`, stop.signal);
    stop.abort();
    await expect(sent).rejects.toThrow(/abort/i);
    server.closeAllConnections();
    server.close();
    await expect(send(sender, `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'connection-failed',
    });
    sender.close();
  });
});

function openSender(): Sender {
  return new Sender({ policy: new AddressPolicy({ allowPrivate: ['127.0.0.1'] }) });
}

function send(sender: Sender, url: string, signal = new AbortController().signal) {
  return sender.send({ url, headers: {}, body: '{}', tenant: '', signal });
}

type Handler = Parameters<typeof createServer>[1];

async function serve(
  handle: NonNullable<Handler>,
): Promise<{ port: number; requests: string[]; server: Server }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    request.resume();
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests, server };
}
