import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomes, forgetError, makeChannel, makeDue, REGISTER, schedule } from '../support/alerts.ts';
import { eventually } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { MailServer } from '../support/mail-server.ts';
import { World } from '../support/world.ts';

const TO = 'someone@example.com';

let mails: MailServer;
let world: World;
let operator: Buyer;
beforeAll(async () => {
  mails = await MailServer.open();
  world = await World.open({ env: { SMTP_URL: mails.url, SMTP_FROM: 'tickets@example.com', LOG_LEVEL: 'trace' } });
  operator = await world.operator();
});
afterAll(async () => {
  const logs = world.processes.map(({ log }) => log()).join('');
  await world.close();
  await mails.close();
  expect(logs, 'the password of the mail server is in no log').not.toContain('T0PSECRET');
});

const makeMailbox = (to = TO): Promise<string> => makeChannel(operator, `mailto:${to}`, { kind: 'EMAIL' });
const mailsTo = (to: string) => mails.mails.filter((mail) => mail.to.includes(to));

it('an alert comes by e-mail, once, with its first line as the subject and its id as that of the message', async () => {
  const { id } = await schedule(operator, await makeMailbox(), { text: 'Sold out\nThe hall is full: 한국어 🎟️' });
  await becomes(operator, id, { status: 'SENT', attempts: 1, lastError: null });
  expect(mails.mails).toMatchObject([
    {
      from: 'tickets@example.com',
      to: [TO],
      headers: { from: 'tickets@example.com', to: TO, subject: 'Onsale: Sold out', 'message-id': `<${id}@127.0.0.1>` },
    },
  ]);
  const { headers, body } = mails.mails[0] as (typeof mails.mails)[0];
  const encoding = headers['content-transfer-encoding'] === 'base64' ? 'base64' : 'latin1';
  const bytes =
    encoding === 'base64'
      ? Buffer.from(body, 'base64')
      : Buffer.from(
          body
            .replace(/=\r\n/g, '')
            .replace(/=([0-9A-F]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        );
  expect(bytes.toString().replaceAll('\r\n', '\n')).toBe('Sold out\nThe hall is full: 한국어 🎟️');
});

it('no text becomes a header, a recipient or a command', async () => {
  const to = 'calm@example.com';
  const text =
    'a\r\nBcc: evil@example.com\r\n\r\n.\r\nRCPT TO:<evil@example.com>\u2028Cc: evil@example.com\u0085\t\u0000'.slice(
      0,
      -1,
    );
  const { id } = await schedule(operator, await makeMailbox(to), { text });
  const crammed = await schedule(operator, await makeMailbox(to), {
    text: `b\u000bX-Evil: 1\u007f ${'x'.repeat(3_900)}`,
  });
  await becomes(operator, id, { status: 'SENT' });
  await becomes(operator, crammed.id, { status: 'SENT' });
  for (const { headers, to: recipients } of mailsTo(to)) {
    expect(recipients).toEqual([to]);
    expect(Object.keys(headers).sort()).toEqual(
      [
        'content-transfer-encoding',
        'content-type',
        'date',
        'from',
        'message-id',
        'mime-version',
        'subject',
        'to',
      ].sort(),
    );
    expect(headers.subject?.length).toBeLessThan(120);
  }
  expect(mailsTo('evil@example.com')).toEqual([]);
});

describe('a channel is refused', () => {
  it.each([
    'mailto:',
    'mailto:nobody',
    'mailto:a@b@c',
    'mailto:one@example.com,other@example.com',
    'mailto:someone@example.com?subject=secret',
    'mailto:someone@example.com%0d%0aBcc:secret@example.com',
    'mailto:someone@example.com\r\nBcc: secret@example.com',
    'mailto:Some One <someone@example.com>',
    'mailto:"a b"@example.com',
    'mailto:<someone@example.com>',
    `mailto:${'x'.repeat(300)}@example.com`,
    'someone@example.com',
    'https://hooks.example.com/secret',
  ])('of kind EMAIL with the URL %j', async (url) => {
    const { data, errors } = await operator.ask(REGISTER, { input: { name: 'a', kind: 'EMAIL', url } });
    expect(data ?? null).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(errors?.[0]?.message).not.toContain('secret');
  });

  it('of another kind with a mailbox', async () => {
    for (const kind of ['SLACK', 'WEBHOOK']) {
      expect(await operator.fail(REGISTER, { input: { name: 'a', kind, url: `mailto:${TO}` } })).toBe('BAD_USER_INPUT');
    }
  });

  it('with a mailbox where no mail server is configured', async () => {
    const without = await world.startProcess({ SMTP_URL: '' });
    const input = { name: 'a', kind: 'EMAIL', url: `mailto:${TO}` };
    expect(await operator.at(without.url).fail(REGISTER, { input })).toBe('BAD_USER_INPUT');
    world.processes.splice(world.processes.indexOf(without), 1);
    await without.stop();
  });
});

it('what the mail server refuses, and a mail server that does not answer, is tried again', async () => {
  const to = 'retried@example.com';
  mails.refusal = { code: 452, text: 'secret words of the mail server' };
  const { id } = await schedule(operator, await makeMailbox(to));
  await becomes(operator, id, { status: 'SCHEDULED', attempts: 1, lastError: 'SMTP 452' });
  mails.isSilent = true;
  await forgetError(world.pool, id);
  await makeDue(world.pool, id);
  await becomes(operator, id, { status: 'SCHEDULED', attempts: 2, lastError: 'TIMEOUT' });
  mails.isSilent = false;
  await makeDue(world.pool, id);
  await becomes(operator, id, { status: 'SENT', attempts: 3, lastError: null });
  expect(mailsTo(to)).toHaveLength(1);
});

it('an alert that Onsale raises itself comes by e-mail too', async () => {
  await makeMailbox('oncall@example.com');
  await world.pool.query('alter table entry rename column balance_after to balance_after_away');
  const buyer = await world.buyer();
  await buyer.ask('mutation { charge(input: { amount: 5, idempotencyKey: "a" }) { __typename } }');
  await world.pool.query('alter table entry rename column balance_after_away to balance_after');
  await eventually(() => mailsTo('oncall@example.com').length > 0);
  expect(mailsTo('oncall@example.com')).toMatchObject([
    { headers: { subject: expect.stringMatching(/^Onsale: FAULT: A request failed through a fault of Onsale/) } },
  ]);
});
