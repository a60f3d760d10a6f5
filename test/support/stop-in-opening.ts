import { patchPg } from './patch-pg.ts';
import { OPENING, patchRedis } from './patch-redis.ts';

/**
 * Preload: the process gets the signal STOP_WITH once the step STOP_AFTER has been done for the STOP_AT-th time, before
 * it knows that it was done. Steps are the scripts of an opening, `part` (a part of the order is in the transaction)
 * and `kept` (the transaction was committed).
 */
const { STOP_AFTER = '', STOP_AT = '1', STOP_WITH = 'SIGKILL' } = process.env;
let done = 0;
const keeping = new WeakSet<object>();

function after(step: string): void {
  if (step !== STOP_AFTER) return;
  done += 1;
  if (done === Number(STOP_AT)) process.kill(process.pid, STOP_WITH);
}

patchRedis(OPENING, async ({ name }, run) => {
  const answer = await run();
  after(name.replace('draw/', ''));
  return answer;
});

patchPg(
  (text) => text,
  (connection, text) => {
    if (text.startsWith('insert into "queue_shuffle_part"')) after('part');
    if (text.startsWith('update "queue_shuffle" set')) keeping.add(connection);
    else if (text === 'commit' && keeping.delete(connection)) after('kept');
  },
);
