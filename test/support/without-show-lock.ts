import './slow-commits.ts';
import './without-shared-locks.ts';
