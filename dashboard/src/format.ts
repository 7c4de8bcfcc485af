// Numbers and times for people.

import { t } from "./texts";

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export const count = (value: number) => value.toLocaleString("en");
/** A stored number with all of its digits: 0.0004 is not 0. */
export const exact = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 20 });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of time in its largest unit that says enough: "3 hours", "2 days". */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return t.units.seconds(whole);
  if (whole < 90 * MINUTE) return t.units.minutes(Math.round(whole / MINUTE));
  if (whole < 48 * HOUR) return t.units.hours(Math.round(whole / HOUR));
  return t.units.days(Math.round(whole / DAY));
}

/** What the server calls a moment: `2026-11-23T06:17:03.216Z`, or with a space for the T. */
export const moment = (text: string) => new Date(text.replace(" ", "T"));

export const secondsSince = (text: string, now: number) => (now - moment(text).getTime()) / 1000;

export function ago(text: string, now: number): string {
  const seconds = secondsSince(text, now);
  if (seconds < -90) return t.units.ahead(span(-seconds));
  return seconds < 45 ? t.units.justNow : t.units.ago(span(seconds));
}

const WHEN = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const DAY_ONLY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });

/** Local time, as the person who looks has it. */
export const when = (date: Date) => WHEN.format(date);
export const whenText = (text: string) => (text ? when(moment(text)) : "–");
/** A sentence of the server, with its moments as the page shows them elsewhere. */
export const told = (text: string) => text.replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z/g, whenText);
export const day = (date: Date) => DAY_ONLY.format(date);
