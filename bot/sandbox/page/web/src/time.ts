import { createContext, useContext } from "react";

/** The reader's time zone, an IANA name: chats show when something was said in it, and the bot tells times in it. */
export const Zone = createContext<string | undefined>(undefined);

export function useTimes() {
  const timeZone = useContext(Zone);
  const date = (at: Date) => at.toLocaleDateString([], { timeZone, weekday: "long", day: "numeric", month: "long" });
  return {
    clock: (at: Date) => at.toLocaleTimeString([], { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    day: (at: Date) => (date(at) === date(new Date()) ? "Today" : date(at)),
    whole: (at: Date) => at.toLocaleString([], { timeZone, dateStyle: "full", timeStyle: "long", hourCycle: "h23" }),
  };
}
