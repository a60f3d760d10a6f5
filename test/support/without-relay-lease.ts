import { replaceSql } from './patch-pg.ts';
import './slow-relays.ts';

/** Preload: relays do not lease partitions of the outbox: each takes all that waits. */
replaceSql([/^(select p\.part from outbox_part p.*)for update skip locked/s, '$1']);
