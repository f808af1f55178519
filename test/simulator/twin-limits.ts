/** iot-hub-devguide-device-twins: "32 KB on the value of properties/desired and properties/reported each". */
const LARGEST_SECTION = 32_768;
const DEEPEST = 10;
const LONGEST_KEY = 1_024;
const LONGEST_TEXT = 4_096;
const MOST = 4_503_599_627_370_495;
const NUMBER_SIZE = 8;
const BOOLEAN_SIZE = 4;
/** Segments C0 and C1: not in a key, and not counted in a value. */
const CONTROL = /\p{Cc}/gu;
const FORBIDDEN_IN_KEY = /[\p{Cc}.$ ]/u;

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the twin takes these properties: keys, values and depth; null removes a property. */
export function wellFormed(properties: object, depth = 1): boolean {
  return Object.entries(properties).every(
    ([key, value]) =>
      Buffer.byteLength(key) <= LONGEST_KEY && !FORBIDDEN_IN_KEY.test(key) && (value === null || fits(value, depth)),
  );
}

/** iotedge#4159: a null in an array is refused. */
function fits(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return Buffer.byteLength(value) <= LONGEST_TEXT;
  if (Number.isInteger(value)) return Math.abs(Number(value)) <= MOST;
  if (Array.isArray(value)) return value.every((item) => fits(item, depth));
  return isObject(value) ? depth < DEEPEST && wellFormed(value, depth + 1) : value !== null;
}

const textSize = (text: string): number => text.replaceAll(CONTROL, '').length;

/** As "Device twin size" of that page counts: keys and values, numbers as 8 and booleans as 4 bytes. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return textSize(value);
  if (typeof value === 'number') return NUMBER_SIZE;
  if (typeof value === 'boolean') return BOOLEAN_SIZE;
  if (Array.isArray(value)) return value.reduce<number>((size, item) => size + sizeOf(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce((size, [key, item]) => size + textSize(key) + sizeOf(item), 0);
}

/** Whether a section of the twin is too large to be kept. */
export const tooLarge = (section: object): boolean => sizeOf(section) > LARGEST_SECTION;
