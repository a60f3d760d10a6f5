import { useMemo } from 'react';
import { useLanguage } from './language.tsx';
import { useSettings } from './settings.tsx';

/** How amounts, numbers and times are written in the language of the user and the settings of the deployment. */
export interface Formats {
  /** An amount in minor units of the currency. */
  money(amount: number): string;
  /** An amount as it is typed, in the units that people count in, such as 12.50. */
  typed(amount: number): string;
  /** The amount, in minor units, that a person typed; 0 where it is no number. */
  amountOf(text: string): number;
  number(value: number): string;
  /** A day with its weekday, in the time zone of the deployment. */
  date(instant: string): string;
  /** A time of day. */
  time(instant: string): string;
  /** A time of day with seconds. */
  clock(instant: string): string;
  dateTime(instant: string): string;
  /** A span of time as people say it, such as 3 min 20 sec. */
  duration(seconds: number): string;
}

/** The formats in the language of the user. */
export function useFormats(): Formats {
  const { language } = useLanguage();
  const { currency, timeZone } = useSettings();
  return useMemo(() => {
    const amounts = new Intl.NumberFormat(language, { style: 'currency', currency });
    const minorUnits = 10 ** (amounts.resolvedOptions().maximumFractionDigits ?? 0);
    const numbers = new Intl.NumberFormat(language);
    const times = (options: Intl.DateTimeFormatOptions): ((instant: string) => string) => {
      const format = new Intl.DateTimeFormat(language, { timeZone, ...options });
      return (instant) => format.format(new Date(instant));
    };
    const unit = (name: string): Intl.NumberFormat =>
      new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short' });
    const [hours, minutes, seconds] = [unit('hour'), unit('minute'), unit('second')];
    return {
      money: (amount) => amounts.format(amount / minorUnits),
      typed: (amount) => String(amount / minorUnits),
      amountOf: (text) => Math.round((Number.parseFloat(text.replaceAll(',', '')) || 0) * minorUnits),
      number: (value) => numbers.format(value),
      date: times({ year: 'numeric', month: 'short', day: 'numeric', weekday: 'short' }),
      time: times({ hour: 'numeric', minute: '2-digit' }),
      clock: times({ hour: 'numeric', minute: '2-digit', second: '2-digit' }),
      dateTime: times({ month: 'short', day: 'numeric', weekday: 'short', hour: 'numeric', minute: '2-digit' }),
      duration: (total) => {
        const whole = Math.max(0, Math.round(total));
        if (whole < 60) return seconds.format(whole);
        if (whole < 3_600) {
          const rest = whole % 60;
          return rest > 0 && whole < 600
            ? `${minutes.format(Math.floor(whole / 60))} ${seconds.format(rest)}`
            : minutes.format(Math.round(whole / 60));
        }
        return `${hours.format(Math.floor(whole / 3_600))} ${minutes.format(Math.floor((whole % 3_600) / 60))}`;
      },
    };
  }, [language, currency, timeZone]);
}

/** A countdown such as 4:05, of the same width for all seconds of a minute. */
export function countdown(seconds: number): string {
  const rest = String(seconds % 60).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}
