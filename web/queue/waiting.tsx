import { Progress } from '@base-ui/react/progress';
import type { ReactNode } from 'react';
import type { PlaceFragment } from '../gql/graphql.ts';
import { useSecondsUntil } from '../server/clock.ts';
import { countdown, useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { Leave } from './leave.tsx';
import look from './queue.module.css';
import { SoundChoice } from './sound-choice.tsx';
import type { Way } from './watch-place.ts';

interface Props {
  readonly place: PlaceFragment;
  readonly way: Way;
  readonly progress: number;
}

/** A place that waits: how far it is, how long it may take, and why nothing moves when nothing does. */
export function Waiting({ place, way, progress }: Props): ReactNode {
  const { queue: words } = useWords();
  const { number, duration, clock } = useFormats();
  const { position, waiting, etaSeconds, etaErrorSeconds, validUntil, queue } = place;
  const estimate = (): string => {
    if (etaSeconds === null) return words.unknown;
    return etaSeconds < 5 ? words.now : duration(etaSeconds);
  };
  return (
    <section className={`card ${look.room}`} aria-label={words.title}>
      <State place={place} way={way} />
      {queue.state === 'SCHEDULED' && queue.opensAt ? (
        <OpensIn opensAt={queue.opensAt} />
      ) : (
        <div className={look.place}>
          <p className="soft">{words.position}</p>
          <p className={look.number} data-testid="position">
            {position === null ? '–' : number(position)}
          </p>
        </div>
      )}
      <Progress.Root className={look.progress} value={Math.round(progress * 100)} aria-label={words.progress}>
        <Progress.Track className={look.track}>
          <Progress.Indicator className={look.indicator} />
        </Progress.Track>
      </Progress.Root>
      <dl className={look.facts}>
        <div>
          <dt>{words.estimate}</dt>
          <dd className="figures">{estimate()}</dd>
          <dd className={look.error}>
            {etaSeconds !== null &&
              etaErrorSeconds !== null &&
              words.estimateError(duration(Math.max(1, etaErrorSeconds)))}
          </dd>
        </div>
        <div>
          <dt>{words.behind}</dt>
          <dd className="figures">{position === null ? '–' : number(Math.max(0, waiting - position))}</dd>
        </div>
      </dl>
      <SoundChoice />
      <p className="small soft">
        {words.keepOpen} <span className="figures">{validUntil && words.keptUntil(clock(validUntil))}</span>
      </p>
      <Leave place={place} />
    </section>
  );
}

/** What the queue does now; a screen reader reads it when it changes. */
function State({ place: { queue, position, etaSeconds }, way }: { place: PlaceFragment; way: Way }): ReactNode {
  const { queue: words } = useWords();
  const { dateTime } = useFormats();
  const [kind, text] = ((): [string, string] => {
    if (way === 'lost') return ['bad', words.lost];
    if (queue.state === 'PAUSED') return ['warn', words.paused];
    if (queue.state === 'CLOSED') return ['warn', words.closed];
    if (queue.state === 'SCHEDULED' && queue.opensAt)
      return ['', `${words.scheduled(dateTime(queue.opensAt))} ${words.scheduledHelp}`];
    // Nobody was let in of late: as many as may be inside are still choosing.
    if (etaSeconds === null) return ['', words.full];
    return ['good', position === 1 ? words.next : words.isOpen];
  })();
  return (
    <div className={look.state}>
      <p className={`notice ${kind}`} role="status">
        {text}
      </p>
      {way === 'polled' && <p className="small soft">{words.polling}</p>}
    </div>
  );
}

function OpensIn({ opensAt }: { opensAt: string }): ReactNode {
  const { queue: words } = useWords();
  const seconds = useSecondsUntil(opensAt);
  return (
    <div className={look.place}>
      <p className="soft">{words.opensIn}</p>
      <p className={look.number}>{countdown(seconds)}</p>
    </div>
  );
}
