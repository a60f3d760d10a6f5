import { type ReactNode, useState } from 'react';
import { useWords } from '../words/language.tsx';
import { allowChime, chime, forbidChime, isChimeAllowed } from './chime.ts';

/** Whether a sound plays when the turn has come; it plays at once, so that one knows it. */
export function SoundChoice(): ReactNode {
  const { queue: words } = useWords();
  const [isOn, setOn] = useState(isChimeAllowed);
  const choose = (wanted: boolean): void => {
    if (wanted) allowChime();
    else forbidChime();
    chime();
    setOn(wanted);
  };
  return (
    <label className="check">
      <input type="checkbox" checked={isOn} onChange={(event) => choose(event.target.checked)} />
      {words.sound}
    </label>
  );
}
