import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: the process is killed when it has added up what sold, before that is committed. */
const folds = sqlWith('merge into sale');

patchPg(
  (text) => text,
  (_connection, text) => {
    if (folds(text)) process.kill(process.pid, 'SIGKILL');
  },
);
