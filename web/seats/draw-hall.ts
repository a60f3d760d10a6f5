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

/** Draws what of the hall is in view. */
export function drawHall(canvas: HTMLCanvasElement, drawn: Drawn): void {
  const { hall, view, palette, focused, stage } = drawn;
  const paper = new Paper(canvas, view, palette.font);
  const { scale } = view;
  paper.clear(0, 0, canvas.width, canvas.height);
  const stageWidth = hall.width * 0.6;
  paper.roundRect((hall.width - stageWidth) / 2, 0, stageWidth, STAGE_HEIGHT, palette.line);
  const stageSize = Math.min(14, 8 * scale);
  if (stageSize > 6) paper.write(stage, hall.width / 2, STAGE_HEIGHT / 2, stageSize, palette.soft, 'center');

  const seen: Placed[] = [];
  for (const { name, x, y, width, height, rows } of hall.sections) {
    if (!paper.shows(x, y, width, height)) continue;
    if (name !== '') {
      const size = Math.min(15, Math.max(10, 9 * scale));
      paper.write(name, x + width / 2, y + 6, size, palette.text, 'center');
    }
    for (const row of rows) {
      if (!paper.shows(x, row.y, width, CELL)) continue;
      const first = row.seats[0];
      if (first && CELL * scale >= ROW_FROM) {
        paper.write(row.name, first.x - 3, row.y + SEAT / 2, Math.min(13, 6 * scale), palette.soft, 'right');
      }
      for (const each of row.seats) if (paper.shows(each.x, each.y, SEAT, SEAT)) seen.push(each);
    }
  }
  drawSeats(paper, seen, drawn);
  if (focused) paper.frame(focused.x, focused.y, SEAT, palette.text);
}

/** Draws some seats anew on what was drawn before, which costs as much as they are many, however large the hall is. */
export function drawChanged(canvas: HTMLCanvasElement, drawn: Drawn, changed: Iterable<Placed>): void {
  const { view, palette, focused } = drawn;
  const paper = new Paper(canvas, view, palette.font);
  const seen = [...changed].filter(({ x, y }) => paper.shows(x, y, SEAT, SEAT));
  const gap = (CELL - SEAT) / 2;
  for (const { x, y } of seen) paper.clearPart(x - gap, y - gap, CELL, CELL);
  drawSeats(paper, seen, drawn);
  if (focused) paper.frame(focused.x, focused.y, SEAT, palette.text);
}

/** Seats of one status share a path: 5,000 of them take a few milliseconds. */
function drawSeats(paper: Paper, seats: readonly Placed[], { view, palette, picked }: Drawn): void {
  const size = SEAT * view.scale;
  const paths = {
    free: new Path2D(),
    held: new Path2D(),
    sold: new Path2D(),
    picked: new Path2D(),
    crosses: new Path2D(),
  };
  for (const each of seats) {
    const { status } = each.seat;
    if (picked.has(each)) paper.addSeat(paths.picked, each, size);
    else if (status === 'AVAILABLE') paper.addSeat(paths.free, each, size);
    else if (status === 'HELD') paper.addSeat(paths.held, each, size);
    else {
      paper.addSeat(paths.sold, each, size);
      // What is sold differs by more than its colour.
      if (size >= ROUND_FROM) paper.addCross(paths.crosses, each, size);
    }
  }
  paper.fill(paths.sold, palette.sold);
  paper.stroke(paths.crosses, palette.soft, 1);
  paper.fill(paths.held, palette.held);
  paper.fill(paths.free, palette.free);
  paper.stroke(paths.free, palette.freeLine, Math.min(1.5, size / 8));
  paper.fill(paths.picked, palette.picked);
  if (size < NUMBER_FROM) return;
  for (const each of seats) {
    const isPicked = picked.has(each);
    if (!isPicked && each.seat.status !== 'AVAILABLE') continue;
    const color = isPicked ? palette.onPicked : palette.text;
    const middle = SEAT / 2;
    paper.write(String(each.seat.column), each.x + middle, each.y + middle, Math.min(13, size * 0.5), color, 'center');
  }
}

/** A canvas on which places are given in units of the plan, and sizes of writing in pixels. */
class Paper {
  readonly #paper: CanvasRenderingContext2D;
  readonly #view: View;
  readonly #font: string;
  readonly #width: number;
  readonly #height: number;

  constructor(canvas: HTMLCanvasElement, view: View, font: string) {
    this.#paper = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#paper.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    this.#view = view;
    this.#font = font;
    this.#width = canvas.width / devicePixelRatio;
    this.#height = canvas.height / devicePixelRatio;
  }

  #x(units: number): number {
    return units * this.#view.scale + this.#view.left;
  }

  #y(units: number): number {
    return units * this.#view.scale + this.#view.top;
  }

  /** Whether a part of the plan is in view. */
  shows(x: number, y: number, width: number, height: number): boolean {
    if (this.#x(x + width) <= 0 || this.#x(x) >= this.#width) return false;
    return this.#y(y + height) > 0 && this.#y(y) < this.#height;
  }

  /** Clears a part of the canvas, in pixels. */
  clear(x: number, y: number, width: number, height: number): void {
    this.#paper.clearRect(x, y, width, height);
  }

  clearPart(x: number, y: number, width: number, height: number): void {
    const { scale } = this.#view;
    this.clear(this.#x(x), this.#y(y), width * scale, height * scale);
  }

  roundRect(x: number, y: number, width: number, height: number, color: string): void {
    const { scale } = this.#view;
    const path = new Path2D();
    path.roundRect(this.#x(x), this.#y(y), width * scale, height * scale, Math.min(12, 4 * scale));
    this.fill(path, color);
  }

  write(text: string, x: number, y: number, size: number, color: string, align: CanvasTextAlign): void {
    const font = `600 ${size}px ${this.#font}`;
    if (this.#paper.font !== font) this.#paper.font = font;
    this.#paper.fillStyle = color;
    this.#paper.textAlign = align;
    this.#paper.textBaseline = 'middle';
    this.#paper.fillText(text, this.#x(x), this.#y(y));
  }

  addSeat(path: Path2D, { x, y }: Placed, size: number): void {
    if (size < ROUND_FROM) path.rect(this.#x(x), this.#y(y), size, size);
    else path.roundRect(this.#x(x), this.#y(y), size, size, Math.min(7, size / 4));
  }

  addCross(path: Path2D, { x, y }: Placed, size: number): void {
    const [left, top, from, to] = [this.#x(x), this.#y(y), size * 0.36, size * 0.64];
    path.moveTo(left + from, top + from);
    path.lineTo(left + to, top + to);
    path.moveTo(left + to, top + from);
    path.lineTo(left + from, top + to);
  }

  fill(path: Path2D, color: string): void {
    this.#paper.fillStyle = color;
    this.#paper.fill(path);
  }

  stroke(path: Path2D, color: string, width: number): void {
    this.#paper.strokeStyle = color;
    this.#paper.lineWidth = width;
    this.#paper.stroke(path);
  }

  /** Draws a frame around a square of the plan. */
  frame(x: number, y: number, side: number, color: string): void {
    const size = side * this.#view.scale;
    this.#paper.strokeStyle = color;
    this.#paper.lineWidth = 3;
    this.#paper.strokeRect(this.#x(x) - 3, this.#y(y) - 3, size + 6, size + 6);
  }
}
