import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: the process is killed when it has added up what happened to shows, before that is committed. */
const folds = sqlWith('update show_minute_fold set folded_until');

patchPg(
  (text) => text,
  (_connection, text) => {
    if (folds(text)) process.kill(process.pid, 'SIGKILL');
  },
);
