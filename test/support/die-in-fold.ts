import { patchPg } from './patch-pg.ts';

/** Preload: the process is killed when it has added up what sold, before that is committed. */
patchPg(
  (text) => text,
  (_connection, text) => {
    if (text.includes('merge into sale')) process.kill(process.pid, 'SIGKILL');
  },
);
