/// <reference types="vite/client" />
import { parse } from 'graphql';
import { variablesOf } from './answers.ts';
import board from './operations/board.graphql?raw';
import charge from './operations/charge.graphql?raw';
import concerts from './operations/concerts.graphql?raw';
import createConcert from './operations/create-concert.graphql?raw';
import createQueue from './operations/create-queue.graphql?raw';
import createShow from './operations/create-show.graphql?raw';
import enterQueue from './operations/enter-queue.graphql?raw';
import holdSeat from './operations/hold-seat.graphql?raw';
import myPlace from './operations/my-place.graphql?raw';
import myTicket from './operations/my-ticket.graphql?raw';
import operatorLog from './operations/operator-log.graphql?raw';
import pauseQueue from './operations/pause-queue.graphql?raw';
import pay from './operations/pay.graphql?raw';
import sales from './operations/sales.graphql?raw';
import seats from './operations/seats.graphql?raw';
import showStats from './operations/show-stats.graphql?raw';
import signIn from './operations/sign-in.graphql?raw';
import signUp from './operations/sign-up.graphql?raw';
import watchBoard from './operations/watch-board.graphql?raw';

export interface ReadyTab {
  /** The document; its first line is a comment that names the tab. */
  readonly query: string;
  /** JSON of the variables; those that an answer fills are empty. */
  readonly variables: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The tabs that a new visitor finds. Each makes an account of its own, and can be run from top to bottom. */
export function readyTabs(): ReadyTab[] {
  const purchase = [enterQueue, myPlace, holdSeat, charge, pay];
  return [
    tab('Buy a ticket', guest(), [signUp, concerts, enterQueue, myPlace, seats, holdSeat, charge, pay, myTicket]),
    tab('Watch a queue', guest(), [concerts, board, watchBoard, signUp, ...purchase]),
    tab('Run a sale', { name: 'operator', password: '', ...timesOfSale() }, [
      ...[signIn, createQueue, createConcert, createShow],
      ...[...purchase, myTicket],
      ...[showStats, sales, pauseQueue, operatorLog],
    ]),
  ];
}

/** A document of these operations, numbered. */
function tab(title: string, variables: Record<string, string>, operations: readonly string[]): ReadyTab {
  const numbered = operations.map((text, index) => text.replace('# ', `# ${index + 1}. `));
  const query = [
    `# ${title}`,
    '#',
    '# Ctrl-Enter (on a Mac Cmd-Enter) runs the operation with the cursor, which then goes on to the next: from top to bottom.',
    '',
    numbered.join('\n'),
  ].join('\n');
  const empty = Object.fromEntries([...variablesOf(parse(query))].map((name) => [name, '']));
  return { query, variables: JSON.stringify({ ...empty, ...variables }, undefined, 2) };
}

function guest(): Record<string, string> {
  const chance = crypto.getRandomValues(new Uint32Array(4)).join('-');
  return { name: `guest-${chance.replaceAll('-', '').slice(0, 10)}`, password: chance };
}

/** A sale that goes on for a month, up to the start of the show. */
function timesOfSale(): Record<string, string> {
  const now = Date.now();
  const startsAt = new Date(Math.ceil(now / DAY) * DAY + 30 * DAY).toISOString();
  return { startsAt, salesOpenAt: new Date(now - HOUR).toISOString(), salesCloseAt: startsAt };
}
