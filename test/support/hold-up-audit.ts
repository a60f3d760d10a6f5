import { replaceSql } from './patch-pg.ts';

/** Preload: between its BEGIN and its snapshot an audit waits for the table `held_up`, which takes no snapshot. */
replaceSql([/^begin isolation level repeatable read.*/, '$&; lock table held_up in access share mode']);
