import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { drawChanged, drawHall, type Palette, paletteOf, type View } from './draw-hall.ts';
import { CELL, type Hall, type Placed, SEAT } from './hall.ts';
import look from './seats.module.css';

/** Pixels of a seat at the largest scale, and below which a tap comes nearer instead of picking. */
const MAX_SEAT = 44;
const MIN_TAP = 12;
const MARGIN = 12;
const STEP = 1.5;
/** Pixels that a finger may move in a tap. */
const TAP = 8;
/** Rows that a page key moves. */
const PAGE_ROWS = 5;

interface Props {
  readonly hall: Hall;
  readonly picked: ReadonlySet<Placed>;
  readonly pick: (placed: Placed) => void;
}

/**
 * The plan of a hall. It is drawn on a canvas, once a frame at most. Keyboard and screen reader have the same seats as a
 * grid of which one row at a time is in the document.
 */
export function SeatMap({ hall, picked, pick }: Props): ReactNode {
  const { seats: words } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<View>({ scale: 1, left: 0, top: 0 });
  const [whole, setWhole] = useState(1);
  const [isNear, setNear] = useState(false);
  const [focused, setFocused] = useState<Placed>();
  const [hasFocus, setHasFocus] = useState(false);
  const palette = useRef<Palette>(undefined);
  const shown = useRef({ picked, focused: undefined as Placed | undefined });
  const id = useId();

  // Everything that changes before the next frame is drawn in it: all of the hall, or the seats that have changed.
  const draw = useMemo(() => {
    let request = 0;
    let all = false;
    const some = new Set<Placed>();
    const drawFrame = (): void => {
      request = 0;
      if (!canvas.current) return;
      palette.current ??= paletteOf(canvas.current);
      const drawn = { hall, view: view.current, palette: palette.current, stage: words.stage, ...shown.current };
      if (all) drawHall(canvas.current, drawn);
      else drawChanged(canvas.current, drawn, some);
      all = false;
      some.clear();
    };
    return (changed?: readonly Placed[]): void => {
      if (changed) for (const each of changed) some.add(each);
      else all = true;
      if (request === 0) request = requestAnimationFrame(drawFrame);
    };
  }, [hall, words]);

  useEffect(() => {
    shown.current = { picked, focused: hasFocus ? focused : undefined };
    draw();
  }, [picked, focused, hasFocus, draw]);

  useEffect(() => hall.watch(draw), [hall, draw]);

  // The canvas is as large as its frame, in the pixels of the screen; the whole hall is in view at first.
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const fit = (): void => {
      if (!canvas.current) return;
      const { clientWidth: width, clientHeight: height } = element;
      canvas.current.width = width * devicePixelRatio;
      canvas.current.height = height * devicePixelRatio;
      const scale = Math.min((width - 2 * MARGIN) / hall.width, (height - 2 * MARGIN) / hall.height, MAX_SEAT / SEAT);
      setWhole(scale);
      show({ scale, left: (width - hall.width * scale) / 2, top: MARGIN });
    };
    const show = (next: View): void => {
      view.current = next;
      setNear(false);
      draw();
    };
    const sizes = new ResizeObserver(fit);
    sizes.observe(element);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const repaint = (): void => {
      palette.current = undefined;
      draw();
    };
    theme.addEventListener('change', repaint);
    return () => {
      sizes.disconnect();
      theme.removeEventListener('change', repaint);
    };
  }, [hall, draw]);

  /** Shows another part; the hall never leaves its frame. */
  const move = (scale: number, left: number, top: number): void => {
    const element = frame.current;
    if (!element) return;
    const within = (start: number, size: number, room: number): number => {
      const least = room - size - MARGIN;
      return size + 2 * MARGIN <= room ? (room - size) / 2 : Math.min(MARGIN, Math.max(least, start));
    };
    view.current = {
      scale,
      left: within(left, hall.width * scale, element.clientWidth),
      top:
        hall.height * scale + 2 * MARGIN <= element.clientHeight
          ? MARGIN
          : within(top, hall.height * scale, element.clientHeight),
    };
    setNear(scale > whole * 1.01);
    draw();
  };

  /** Zooms so that what is at a point of the frame stays there. */
  const zoom = (factor: number, x: number, y: number): void => {
    const { scale, left, top } = view.current;
    const next = Math.min(MAX_SEAT / SEAT, Math.max(whole, scale * factor));
    move(next, x - ((x - left) * next) / scale, y - ((y - top) * next) / scale);
  };
  const zoomMiddle = (factor: number): void => {
    const element = frame.current;
    if (element) zoom(factor, element.clientWidth / 2, element.clientHeight / 2);
  };

  // A wheel turned with Ctrl, or two fingers on a touchpad. React's own listener could not keep the page from zooming.
  const zoomNow = useRef(zoom);
  zoomNow.current = zoom;
  useEffect(() => {
    const element = canvas.current;
    const turn = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoomNow.current(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
    };
    element?.addEventListener('wheel', turn, { passive: false });
    return () => element?.removeEventListener('wheel', turn);
  }, []);

  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const moved = useRef(0);

  const press = (event: PointerEvent<HTMLCanvasElement>): void => {
    if (fingers.current.size === 0) moved.current = 0;
    fingers.current.set(event.pointerId, pointOf(event));
  };
  const drag = (event: PointerEvent<HTMLCanvasElement>): void => {
    const before = fingers.current.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    const other = [...fingers.current].find(([pointer]) => pointer !== event.pointerId)?.[1];
    fingers.current.set(event.pointerId, now);
    moved.current += Math.hypot(now.x - before.x, now.y - before.y);
    if (other) {
      moved.current = TAP;
      const apart = (from: { x: number; y: number }): number =>
        Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
      zoom(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (isNear && moved.current >= TAP) {
      event.currentTarget.setPointerCapture(event.pointerId);
      const { scale, left, top } = view.current;
      move(scale, left + now.x - before.x, top + now.y - before.y);
    }
  };
  const release = (event: PointerEvent<HTMLCanvasElement>): void => {
    const isTap = fingers.current.delete(event.pointerId) && moved.current < TAP && event.type === 'pointerup';
    if (!isTap) return;
    const { x, y } = pointOf(event);
    const { scale, left, top } = view.current;
    if (scale * SEAT < MIN_TAP) {
      zoom((MIN_TAP * 2) / (scale * SEAT), x, y);
      return;
    }
    const found = hall.at((x - left) / scale, (y - top) / scale);
    if (!found) return;
    setFocused(found);
    pick(found);
  };

  /** Moves the focus, and the view with it. */
  const focus = (placed: Placed): void => {
    setFocused(placed);
    const element = frame.current;
    if (!element) return;
    const { scale, left, top } = view.current;
    const size = CELL * scale;
    const into = (at: number, start: number, room: number): number =>
      at < size ? start + size - at : at > room - 2 * size ? start + room - 2 * size - at : start;
    move(
      scale,
      into(placed.x * scale + left, left, element.clientWidth),
      into(placed.y * scale + top, top, element.clientHeight),
    );
  };

  const here = focused ?? hall.placed.find(({ seat }) => seat.status === 'AVAILABLE') ?? hall.placed[0];

  const type = (event: KeyboardEvent): void => {
    if (!here || event.ctrlKey || event.altKey || event.metaKey) return;
    const wanted = seatFrom(hall, here, event.key);
    if (wanted) focus(wanted);
    else if (event.key === 'Enter' || event.key === ' ') pick(here);
    else if (event.key === '+' || event.key === '=') zoomMiddle(STEP);
    else if (event.key === '-') zoomMiddle(1 / STEP);
    else return;
    event.preventDefault();
  };

  return (
    <div className={look.map}>
      <p id={`${id}-help`} className="visually-hidden">
        {words.mapHelp}
      </p>
      <div ref={frame} className={look.frame} style={{ aspectRatio: `${hall.width} / ${hall.height}` }}>
        <canvas
          ref={canvas}
          className={isNear ? look.near : look.far}
          onPointerDown={press}
          onPointerMove={drag}
          onPointerUp={release}
          onPointerCancel={release}
        />
        {/* biome-ignore lint/a11y/useSemanticElements: a table of 5,000 cells would be slow; this one has one row at a time */}
        <div
          className={look.grid}
          role="grid"
          aria-label={words.map}
          aria-describedby={`${id}-help`}
          aria-multiselectable="true"
          aria-rowcount={hall.rows.length}
          aria-activedescendant={here && `${id}-${here.seat.number}`}
          tabIndex={0}
          onKeyDown={type}
          onFocus={() => {
            setHasFocus(true);
            if (here) setFocused(here);
          }}
          onBlur={() => setHasFocus(false)}
        >
          {here && <GridRow hall={hall} id={id} here={here} picked={picked} />}
        </div>
      </div>
      <div className={look.zoom}>
        <button type="button" className="button" aria-label={words.zoomIn} onClick={() => zoomMiddle(STEP)}>
          +
        </button>
        <button type="button" className="button" aria-label={words.zoomOut} onClick={() => zoomMiddle(1 / STEP)}>
          −
        </button>
        <button type="button" className="button" disabled={!isNear} onClick={() => zoomMiddle(0)}>
          {words.whole}
        </button>
      </div>
    </div>
  );
}

interface GridRowProps {
  readonly hall: Hall;
  readonly id: string;
  readonly here: Placed;
  readonly picked: ReadonlySet<Placed>;
}

/** The row of the seat that the keyboard is at, as a screen reader has it. */
function GridRow({ hall, id, here, picked }: GridRowProps): ReactNode {
  const { seats: words } = useWords();
  const { money } = useFormats();
  const [, redraw] = useState(0);
  useEffect(
    () => hall.watch((changed) => changed.some(({ row }) => row === here.row) && redraw((turns) => turns + 1)),
    [hall, here.row],
  );
  const statusOf = (placed: Placed): string => {
    if (picked.has(placed)) return words.picked;
    return { AVAILABLE: words.available, HELD: words.held, SOLD: words.sold }[placed.seat.status];
  };
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus, and names the active cell
    // biome-ignore lint/a11y/useSemanticElements: as the grid
    <div role="row" aria-rowindex={hall.rows.indexOf(here.row) + 1} className="visually-hidden">
      {here.row.seats.map((placed) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus, and names the active cell
        // biome-ignore lint/a11y/useSemanticElements: as the grid
        <span
          key={placed.seat.id}
          id={`${id}-${placed.seat.number}`}
          role="gridcell"
          aria-selected={picked.has(placed)}
          aria-disabled={placed.seat.status !== 'AVAILABLE' && !picked.has(placed)}
        >
          {words.seat(nameOf(placed, words), money(placed.seat.price), statusOf(placed))}
        </span>
      ))}
    </div>
  );
}

/** The seat that a key leads to; undefined for other keys. */
function seatFrom(hall: Hall, here: Placed, key: string): Placed | undefined {
  const { seats } = here.row;
  switch (key) {
    case 'ArrowLeft':
      return seats[here.at - 1] ?? here;
    case 'ArrowRight':
      return seats[here.at + 1] ?? here;
    case 'ArrowUp':
      return hall.inRow(here, -1);
    case 'ArrowDown':
      return hall.inRow(here, 1);
    case 'PageUp':
      return hall.inRow(here, -PAGE_ROWS);
    case 'PageDown':
      return hall.inRow(here, PAGE_ROWS);
    case 'Home':
      return seats[0];
    case 'End':
      return seats.at(-1);
    default:
      return undefined;
  }
}

type SeatWords = ReturnType<typeof useWords>['seats'];

/** What a seat is called: section, row and number in the row. */
export function nameOf({ seat: { section, row, column } }: Placed, words: SeatWords): string {
  return section === '' ? words.seatOf(row, column) : words.seatIn(section, row, column);
}

function pointOf({ nativeEvent }: PointerEvent): { x: number; y: number } {
  return { x: nativeEvent.offsetX, y: nativeEvent.offsetY };
}
