import { patchPg, sqlWith } from './patch-pg.ts';

/**
 * Preload: the process is killed at the commit of the first transaction with a statement that DIE_OF matches, a batch with
 * several entries unless said otherwise: before it is sent with DIE=before, once it was answered with DIE=after.
 */
const posting = new WeakSet<object>();
const posts = sqlWith(new RegExp(process.env.DIE_OF ?? '^insert into "entry" .*\\), \\('));
const isBefore = process.env.DIE === 'before';

patchPg(
  (text, _values, connection) => {
    if (isBefore && text === 'commit' && posting.has(connection)) process.kill(process.pid, 'SIGKILL');
    return text;
  },
  (connection, text) => {
    if (posts(text)) posting.add(connection);
    else if (text === 'commit' && posting.has(connection)) process.kill(process.pid, 'SIGKILL');
  },
);
