// Pictures of any size through a network that wants multiples: the rules of inference/tiles.py.
// Pixels are RGBA bytes; what the network takes is signed planes (1, 3, h, w), float32.

const LEVELS = Float32Array.from({ length: 256 }, (_, level) => Math.fround(level / 255) * 2 - 1);

// Round half to even, as Python does.
const rounded = (value) => {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 ? up - 1 : up;
};

// How one side is padded and cut: one padded tile where it fits, else several evenly spread.
export function cut(length, multiple, tile) {
  if (length <= tile) {
    const side = Math.ceil(length / multiple) * multiple;
    const before = Math.floor((side - length) / 2);
    return { before, tile: side, padded: side, starts: [0], windows: [new Float32Array(side).fill(1)] };
  }
  const overlap = Math.floor(tile / 8);
  const count = Math.ceil((length - overlap) / (tile - overlap));
  const starts = Array.from({ length: count }, (_, i) => rounded((i * (length - tile)) / (count - 1)));
  return { before: 0, tile, padded: length, starts, windows: windows(starts, tile, overlap) };
}

// How much each tile counts at each of its pixels; the sum is 1 everywhere.
function windows(starts, tile, overlap) {
  const rise = Array.from({ length: tile }, (_, i) =>
    Math.sin((Math.min((i + 0.5) / Math.max(overlap, 1), 1) * Math.PI) / 2) ** 2);
  const raw = rise.map((value, i) => value * rise[tile - 1 - i]);
  const total = new Float64Array(starts.at(-1) + tile);
  for (const start of starts) raw.forEach((value, i) => { total[start + i] += value; });
  return starts.map((start) => Float32Array.from(raw, (value, i) => value / total[start + i]));
}

// Where a pixel outside comes from: mirrored at the borders, again and again.
export function mirrored(place, length) {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const inside = ((place % period) + period) % period;
  return inside < length ? inside : period - inside;
}

// Signed planes of one tile.
function planes(pixels, width, height, top, left, rows, columns) {
  const area = rows.tile * columns.tile;
  const source = new Float32Array(3 * area);
  const xs = Array.from({ length: columns.tile }, (_, x) => mirrored(left + x - columns.before, width));
  for (let y = 0, to = 0; y < rows.tile; y++) {
    const line = mirrored(top + y - rows.before, height) * width;
    for (const x of xs) {
      const from = 4 * (line + x);
      for (let c = 0; c < 3; c++) source[c * area + to] = LEVELS[pixels[from + c]];
      to++;
    }
  }
  return source;
}

// network(planes, height, width) -> planes; told(done, of) after each tile. RGBA bytes of the same size.
export async function translate(pixels, width, height, network, { multiple, tile }, told = () => {}) {
  const rows = cut(height, multiple, tile), columns = cut(width, multiple, tile);
  const sums = new Float32Array(3 * width * height);
  const of = rows.starts.length * columns.starts.length;
  let done = 0;
  for (const [r, top] of rows.starts.entries()) {
    for (const [c, left] of columns.starts.entries()) {
      const made = await network(
        planes(pixels, width, height, top, left, rows, columns), rows.tile, columns.tile);
      add(sums, width, height, made, rows, columns, r, c);
      told(++done, of);
    }
  }
  return bytes(sums, width * height);
}

// One tile's answer into the sums, without its padding.
function add(sums, width, height, made, rows, columns, r, c) {
  const area = rows.tile * columns.tile, all = width * height;
  for (let y = 0; y < rows.tile; y++) {
    const toY = rows.starts[r] + y - rows.before;
    if (toY < 0 || toY >= height) continue;
    for (let x = 0; x < columns.tile; x++) {
      const toX = columns.starts[c] + x - columns.before;
      if (toX < 0 || toX >= width) continue;
      const weight = rows.windows[r][y] * columns.windows[c][x];
      const from = y * columns.tile + x, to = toY * width + toX;
      for (let plane = 0; plane < 3; plane++) sums[plane * all + to] += weight * made[plane * area + from];
    }
  }
}

function bytes(sums, area) {
  const answer = new Uint8ClampedArray(4 * area); // clamps, and rounds half to even as torch does
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      const value = sums[c * area + i];
      if (!Number.isFinite(value)) throw new Error("The network's answer is not finite.");
      answer[4 * i + c] = ((value + 1) / 2) * 255;
    }
    answer[4 * i + 3] = 255;
  }
  return answer;
}
