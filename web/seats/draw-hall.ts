import { CELL, type Hall, type Placed, SEAT, STAGE_HEIGHT } from './hall.ts';

/** Which part of the plan is shown: a point of the plan is drawn at x * scale + left, y * scale + top, in pixels. */
export interface View {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

/** The colours of the theme. */
export interface Palette {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly free: string;
  readonly freeLine: string;
  readonly held: string;
  readonly sold: string;
  readonly picked: string;
  readonly onPicked: string;
  readonly font: string;
}

/** Reads the colours that the style sheets give the element. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const value = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: value('text'),
    soft: value('text-soft'),
    line: value('line'),
    free: value('seat-free'),
    freeLine: value('seat-free-line'),
    held: value('seat-held'),
    sold: value('seat-sold'),
    picked: value('accent'),
    onPicked: value('on-accent'),
    font: style.fontFamily,
  };
}

/** Pixels of a seat from which it is drawn with round corners, and with its number. */
const ROUND_FROM = 9;
const NUMBER_FROM = 17;
/** Pixels of a cell from which rows have their letters. */
const ROW_FROM = 9;

interface Drawn {
  readonly hall: Hall;
  readonly view: View;
  readonly palette: Palette;
  readonly picked: ReadonlySet<Placed>;
  /** The seat that the keyboard is at. */
  readonly focused: Placed | undefined;
  readonly stage: string;
}

/** Draws the seats that are in view; 5,000 of them in a few milliseconds, because those of one status share a path. */
export function drawHall(canvas: HTMLCanvasElement, { hall, view, palette, picked, focused, stage }: Drawn): void {
  const paper = canvas.getContext('2d') as CanvasRenderingContext2D;
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.width / ratio, canvas.height / ratio];
  const { scale, left, top } = view;
  const px = (units: number): number => units * scale;
  const [x, y] = [(units: number): number => units * scale + left, (units: number): number => units * scale + top];
  const isSeen = (from: number, to: number, size: number): boolean => to > 0 && from < size;

  paper.setTransform(ratio, 0, 0, ratio, 0, 0);
  paper.clearRect(0, 0, width, height);

  const write = (text: string, at: [number, number], size: number, color: string, align: CanvasTextAlign): void => {
    paper.font = `600 ${size}px ${palette.font}`;
    paper.fillStyle = color;
    paper.textAlign = align;
    paper.textBaseline = 'middle';
    paper.fillText(text, ...at);
  };

  const stageWidth = hall.width * 0.6;
  paper.fillStyle = palette.line;
  paper.beginPath();
  paper.roundRect(x((hall.width - stageWidth) / 2), y(0), px(stageWidth), px(STAGE_HEIGHT), Math.min(12, px(4)));
  paper.fill();
  const stageSize = Math.min(14, px(8));
  if (stageSize > 6) write(stage, [x(hall.width / 2), y(STAGE_HEIGHT / 2)], stageSize, palette.soft, 'center');

  const paths = { free: new Path2D(), held: new Path2D(), sold: new Path2D(), picked: new Path2D() };
  const seen: Placed[] = [];
  const size = px(SEAT);
  const add = (path: Path2D, each: Placed): void => {
    if (size < ROUND_FROM) path.rect(x(each.x), y(each.y), size, size);
    else path.roundRect(x(each.x), y(each.y), size, size, Math.min(7, size / 4));
  };
  for (const section of hall.sections) {
    if (!isSeen(x(section.x), x(section.x + section.width), width)) continue;
    if (!isSeen(y(section.y), y(section.y + section.height), height)) continue;
    if (section.name !== '') {
      const nameSize = Math.min(15, Math.max(10, px(9)));
      write(section.name, [x(section.x + section.width / 2), y(section.y) + px(6)], nameSize, palette.text, 'center');
    }
    for (const row of section.rows) {
      if (!isSeen(y(row.y), y(row.y + CELL), height)) continue;
      const first = row.seats[0];
      if (first && px(CELL) >= ROW_FROM) {
        write(row.name, [x(first.x) - px(3), y(row.y) + size / 2], Math.min(13, px(6)), palette.soft, 'right');
      }
      for (const each of row.seats) {
        if (!isSeen(x(each.x), x(each.x + CELL), width)) continue;
        seen.push(each);
        if (picked.has(each)) add(paths.picked, each);
        else if (each.seat.status === 'AVAILABLE') add(paths.free, each);
        else add(each.seat.status === 'HELD' ? paths.held : paths.sold, each);
      }
    }
  }
  paper.fillStyle = palette.sold;
  paper.fill(paths.sold);
  paper.fillStyle = palette.held;
  paper.fill(paths.held);
  paper.fillStyle = palette.free;
  paper.fill(paths.free);
  paper.strokeStyle = palette.freeLine;
  paper.lineWidth = Math.min(1.5, size / 8);
  paper.stroke(paths.free);
  paper.fillStyle = palette.picked;
  paper.fill(paths.picked);

  if (size >= NUMBER_FROM) {
    const numberSize = Math.min(13, size * 0.5);
    for (const each of seen) {
      const isPicked = picked.has(each);
      if (!isPicked && each.seat.status !== 'AVAILABLE') continue;
      const middle: [number, number] = [x(each.x) + size / 2, y(each.y) + size / 2];
      write(String(each.seat.column), middle, numberSize, isPicked ? palette.onPicked : palette.text, 'center');
    }
  }
  // What is sold differs by more than its colour.
  paper.strokeStyle = palette.soft;
  paper.lineWidth = 1;
  if (size >= ROUND_FROM) {
    const crosses = new Path2D();
    for (const each of seen) {
      if (each.seat.status !== 'SOLD' || picked.has(each)) continue;
      const [from, to] = [size * 0.36, size * 0.64];
      crosses.moveTo(x(each.x) + from, y(each.y) + from);
      crosses.lineTo(x(each.x) + to, y(each.y) + to);
      crosses.moveTo(x(each.x) + to, y(each.y) + from);
      crosses.lineTo(x(each.x) + from, y(each.y) + to);
    }
    paper.stroke(crosses);
  }
  if (focused) {
    paper.strokeStyle = palette.text;
    paper.lineWidth = 3;
    paper.strokeRect(x(focused.x) - 3, y(focused.y) - 3, size + 6, size + 6);
  }
}
