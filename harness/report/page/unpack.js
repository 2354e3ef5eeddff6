// Numbers and columns out of the short strings that pack.py makes.
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function wholeNumbers(text) {
  const found = [];
  let value = 0, shift = 1;
  for (const letter of text) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) * shift; // not by bits: a count may need more than 32 of them
    if (digit & 32) { shift *= 32; continue; }
    found.push(value);
    value = 0; shift = 1;
  }
  return found;
}

function stepped(text) {
  let before = 0;
  return wholeNumbers(text).map((turn) => (before += turn % 2 ? -(turn + 1) / 2 : turn / 2));
}

const column = (packed) => wholeNumbers(packed.i).map((place) => packed.v[place]);
const columns = (packed) => Object.fromEntries(Object.entries(packed).map(([name, one]) => [name, column(one)]));

// Every cell as an object of what lists and filters need; details stay packed until a drawer asks for them.
function unpackCells(cells) {
  const [group, row, state, why, place, test, job, at, fewer, trainedBy, trace] =
    ["group", "row", "state", "why", "place", "test", "job", "at", "fewer", "trained_by", "trace"].map((name) => column(cells[name]));
  const config = columns(cells.config), made = columns(cells.made);
  const seconds = columns(cells.seconds), details = columns(cells.details);
  const of = (many, index) => Object.entries(many).map(([name, values]) => [name, values[index]])
    .filter(([, value]) => value !== null && value !== undefined);
  const name = (index) => {
    const shots = config.shots[index], seed = config.seed?.[index];
    return [place[index], row[index], shots ? `${shots} shot${shots === 1 ? "" : "s"}` : "", seed === null || seed === undefined ? "" : `seed ${seed}`]
      .filter(Boolean).join(", ");
  };
  return cells.id.map((id, index) => ({
    index, id, name: name(index), group: group[index], row: row[index], state: state[index], why: why[index], place: place[index],
    shots: config.shots[index], seed: config.seed ? config.seed[index] : null, job: job[index], at: at[index],
    fewer: fewer[index], trace: trace[index], trainedBy: trainedBy[index], right: cells.right[index], test: test[index],
    accuracy: cells.right[index] === null ? null : cells.right[index] / test[index],
    macroF1: cells.macro_f1[index], seconds: seconds.fit_s ? seconds.fit_s[index] : null,
    config: () => of(config, index), made: () => of(made, index),
    timings: () => of(seconds, index), details: () => of(details, index),
  }));
}
