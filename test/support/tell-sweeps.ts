import './hurry-jobs.ts';
import './tell-statements.ts';

/** Preload: every statement is told, also those of jobs that come once in minutes. */
