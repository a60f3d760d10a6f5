import { patchPg } from './patch-pg.ts';

/** Preload: between its BEGIN and its snapshot an audit waits for the table `held_up`, which takes no snapshot. */
patchPg((text) =>
  text.startsWith('begin isolation level repeatable read') ? `${text}; lock table held_up in access share mode` : text,
);
