import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A message that the mail server took, as it came. */
export interface Mail {
  readonly from: string;
  readonly to: string[];
  /** By name in lower case; folded lines are joined. */
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Takes mail over SMTP on this machine, from who signs in as `onsale` with the password `T0PSECRET`. */
export class MailServer {
  readonly mails: Mail[] = [];
  /** What it says to the next recipient instead of taking it. */
  refusal: { readonly code: number; readonly text: string } | undefined;
  /** Whether it takes what comes without ever answering. */
  isSilent = false;
  readonly #server: SMTPServer;

  private constructor() {
    this.#server = new SMTPServer({
      authOptional: false,
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
      logger: false,
      onAuth: ({ username, password }, _session, done) => {
        if (username === 'onsale' && password === 'T0PSECRET') done(null, { user: username });
        else done(new Error('a wrong password'));
      },
      onRcptTo: (_address, _session, done) => {
        if (this.isSilent) return;
        const { refusal } = this;
        this.refusal = undefined;
        done(refusal ? Object.assign(new Error(refusal.text), { responseCode: refusal.code }) : null);
      },
      onData: async (stream, { envelope }, done) => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream) chunks.push(chunk as Buffer);
        const [head = '', ...body] = Buffer.concat(chunks).toString().split('\r\n\r\n');
        const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
        this.mails.push({
          from: envelope.mailFrom ? envelope.mailFrom.address : '',
          to: envelope.rcptTo.map(({ address }) => address),
          headers: Object.fromEntries(
            lines.map((line) => [line.split(':')[0]?.toLowerCase(), line.replace(/^.*?: /, '')]),
          ),
          body: body.join('\r\n\r\n').trimEnd(),
        });
        done();
      },
    });
    this.#server.on('error', () => undefined);
  }

  static async open(): Promise<MailServer> {
    const mails = new MailServer();
    mails.#server.listen(0, '127.0.0.1');
    await once(mails.#server.server, 'listening');
    return mails;
  }

  /** For SMTP_URL. */
  get url(): string {
    const { port } = this.#server.server.address() as AddressInfo;
    return `smtp://onsale:T0PSECRET@127.0.0.1:${port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
