import { isIP } from 'node:net';
import { hostOf } from './platform/public-address.ts';

// How values of the configuration are read. Each throws an Error whose message ends the sentence "KEY ...".

/** A whole number in digits between the bounds. */
export function whole(least: number, most: number): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (!/^\d+$/.test(given) || value < least || value > most) {
      throw new Error(`is ${quoted(given)} but must be a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

/** Text of so many characters. */
export function text(least: number, most: number): (given: string) => string {
  return (given) => {
    const { length } = [...given];
    if (length < least || length > most) throw new Error(`has ${length} characters but must have ${least} to ${most}`);
    return given;
  };
}

/** One of the words. */
export function oneOf<T extends string>(...choices: T[]): (given: string) => T {
  return (given) => {
    if (!choices.includes(given as T)) throw new Error(`is ${quoted(given)} but must be one of ${choices.join(', ')}`);
    return given as T;
  };
}

/** A URL of one of the protocols, such as 'https:'. */
export function url(...protocols: string[]): (given: string) => string {
  return (given) => {
    const schemes = protocols.map((protocol) => `${protocol}//`).join(' or ');
    if (!URL.canParse(given) || !protocols.includes(new URL(given).protocol) || !new URL(given).hostname) {
      throw new Error(`must be a URL that starts with ${schemes} and names a host`);
    }
    return given;
  };
}

/** An IP address or a host name. */
export function hostName(given: string): string {
  if (isIP(given) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(given)) {
    throw new Error(`is ${quoted(given)} but must be an address or a host name`);
  }
  return given;
}

/** IP addresses or host names separated by commas, each in the one spelling that `hostOf` gives. */
export function hosts(given: string): string[] {
  return given.split(',').map((part) => {
    const host = hostName(part.trim());
    const origin = `https://${isIP(host) === 6 ? `[${host}]` : host}`;
    if (!URL.canParse(origin)) throw new Error(`has ${quoted(host)}, which is no address and no host name`);
    return hostOf(new URL(origin));
  });
}

/** An IANA time zone. */
export function timeZone(given: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    throw new Error(`is ${quoted(given)} but must be an IANA time zone`);
  }
}

/** An ISO 4217 code. */
export function currency(given: string): string {
  if (!Intl.supportedValuesOf('currency').includes(given)) {
    throw new Error(`is ${quoted(given)} but must be an ISO 4217 code`);
  }
  return given;
}

/** Origins separated by commas. */
export function origins(given: string): string[] {
  return given.split(',').map((part) => {
    const origin = part.trim();
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error(`has ${quoted(origin)}, which is no origin such as https://tickets.example.com`);
    }
    return origin;
  });
}

function quoted(given: string): string {
  return JSON.stringify(given.length > 60 ? `${given.slice(0, 60)}...` : given);
}
