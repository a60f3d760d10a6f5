/** Most seats of one show. */
export const MAX_SEATS = 100_000;

export interface Section {
  readonly name: string;
  readonly seatCount: number;
  readonly seatsPerRow: number;
  readonly price: number;
}

export interface LaidOutSeat {
  readonly number: number;
  readonly label: string;
  readonly section: string;
  /** 0 for the row nearest the front; the count continues from one section to the next. */
  readonly rowIndex: number;
  readonly columnIndex: number;
  readonly rowLength: number;
  readonly price: number;
}

/** The end of the seats that a show has: their highest number, and the number of their rows. */
export interface End {
  readonly number: number;
  readonly rows: number;
}

const NO_SEATS: End = { number: 0, rows: 0 };

/**
 * Numbers and labels the seats of all sections, in order; each section starts again with row A.
 * @param behind the seats that the show has already
 */
export function* layOut(sections: readonly Section[], behind: End = NO_SEATS): Generator<LaidOutSeat> {
  let { number, rows: firstRow } = behind;
  for (const { name, seatCount, seatsPerRow, price } of sections) {
    const lead = sections.length > 1 || behind.number > 0 ? `${name}-` : '';
    for (let index = 0; index < seatCount; index++) {
      const row = Math.floor(index / seatsPerRow);
      const columnIndex = index % seatsPerRow;
      number++;
      yield {
        number,
        label: `${lead}${rowLetters(row)}${columnIndex + 1}`,
        section: name,
        rowIndex: firstRow + row,
        columnIndex,
        rowLength: Math.min(seatsPerRow, seatCount - row * seatsPerRow),
        price,
      };
    }
    firstRow += Math.ceil(seatCount / seatsPerRow);
  }
}

/** A seat's place within its section, as its label tells it. */
export interface PlaceInSection {
  readonly row: string;
  readonly column: number;
}

/** The row letters and the number in the row of a label, without the section that may lead it: Balcony-AB12 is AB, 12. */
export function placeOf(label: string): PlaceInSection {
  let digits = label.length;
  while (isBetween(label.charCodeAt(digits - 1), '0', '9')) digits--;
  let letters = digits;
  while (isBetween(label.charCodeAt(letters - 1), 'A', 'Z')) letters--;
  return { row: label.slice(letters, digits), column: Number(label.slice(digits)) };
}

function isBetween(code: number, first: string, last: string): boolean {
  return code >= first.charCodeAt(0) && code <= last.charCodeAt(0);
}

/** The letters of a row: A for 0, Z for 25, AA for 26. */
function rowLetters(row: number): string {
  const last = String.fromCharCode(65 + (row % 26));
  return row < 26 ? last : rowLetters(Math.floor(row / 26) - 1) + last;
}
