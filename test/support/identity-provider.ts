import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** What a token says unless a test says otherwise. */
const CLAIMS = { iss: 'https://id.example.com/', sub: 'ada', aud: 'onsale' };

/** An identity provider of one test file: a JWK set over HTTP, and tokens signed with its key (RS256). */
export class IdentityProvider {
  readonly #server: Server;
  readonly #key: CryptoKey;
  /** What the next requests for the keys are answered; undefined: the keys. */
  broken: { status: number; body: string } | undefined;
  /** How often somebody asked for the keys. */
  asked = 0;

  private constructor(jwks: object, key: CryptoKey) {
    this.#key = key;
    this.#server = createServer((_request, response) => {
      this.asked++;
      const { status, body } = this.broken ?? { status: 200, body: JSON.stringify(jwks) };
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  }

  static async open(): Promise<IdentityProvider> {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    const provider = new IdentityProvider({ keys: [jwk] }, privateKey);
    provider.#server.listen(0, '127.0.0.1');
    await once(provider.#server, 'listening');
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}/jwks.json`;
  }

  /** @param key signs instead of the provider's own; @param claims null leaves one out */
  sign(claims: Record<string, unknown> = {}, key: CryptoKey = this.#key): Promise<string> {
    const payload = Object.fromEntries(
      Object.entries({ ...CLAIMS, exp: Math.floor(Date.now() / 1_000) + 600, ...claims }).filter(
        ([, value]) => value !== null,
      ),
    ) as JWTPayload;
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
