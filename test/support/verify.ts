import { execFile } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the program as a person would, with no word of the product in its environment. */
export function verify(...args: string[]): Promise<Outcome> {
  return run('scripts/verify-shuffle.mjs', ...args);
}

export function run(...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH ?? '' };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}
