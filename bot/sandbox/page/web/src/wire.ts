// The page's end of the wire: requests, the stream of changes, and data that stays current.

import { useEffect, useRef, useState } from "react";

export type Json = Record<string, any>;
export type Platform = "slack" | "teams";
export type Change = { slack?: Json; teams?: Json };

/** What a person cannot do, in the stand-in's words. */
export class Refused extends Error {}

async function answered<T>(answer: Response): Promise<T> {
  if (answer.ok) return answer.json();
  const text = await answer.text();
  let words = text || answer.statusText;
  try {
    words = JSON.parse(text).message;
  } catch {
    // not JSON: the text says it
  }
  throw new Refused(words);
}

export async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  return answered<T>(await fetch(`/api/${path}?${new URLSearchParams(query)}`));
}

export async function act<T = Json>(platform: Platform, what: string, body: Json): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return answered<T>(await fetch(`/api/${platform}/${what}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** A file as JSON carries it: base64. */
export async function encoded(file: File): Promise<{ name: string; content: string }> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { name: file.name, content: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
}

type Listener = (change: Change) => void;

/** Every change, as it happens; `onState` hears whether the connection stands. After a cut it comes back by itself. */
class Stream {
  private listeners = new Set<Listener>();
  private states = new Set<(up: boolean) => void>();
  up = false;

  connect(): void {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/events`);
    socket.onopen = () => this.turn(true);
    socket.onmessage = (event) => {
      const change = JSON.parse(event.data) as Change;
      for (const listener of [...this.listeners]) listener(change);
    };
    socket.onclose = () => {
      this.turn(false);
      setTimeout(() => this.connect(), 1000);
    };
  }

  private turn(up: boolean): void {
    this.up = up;
    for (const told of [...this.states]) told(up);
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  onState(told: (up: boolean) => void): () => void {
    this.states.add(told);
    return () => void this.states.delete(told);
  }
}

export const stream = new Stream();

export function useChanges(listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => stream.listen((change) => latest.current(change)), []);
}

export function useConnected(): boolean {
  const [up, setUp] = useState(stream.up);
  useEffect(() => stream.onState(setUp), []);
  return up;
}

/** What `load` returns, loaded again whenever `concerns` says so of a change, when the connection comes back, and
 * when `key` is another. Changes that come while a load is under way cause one more, not one each. */
export function useLive<T>(key: string, load: () => Promise<T>, concerns: (change: Change) => boolean): T | undefined {
  const [found, setFound] = useState<{ key: string; value: T }>();
  const latest = useRef({ load, concerns });
  latest.current = { load, concerns };
  useEffect(() => {
    let busy = false;
    let stale = false;
    let gone = false;
    const refresh = async () => {
      if (busy) {
        stale = true;
        return;
      }
      busy = true;
      do {
        stale = false;
        try {
          const value = await latest.current.load();
          if (!gone) setFound({ key, value });
        } catch {
          // the connection is cut or the person may not look; the next change tries again
        }
      } while (stale && !gone);
      busy = false;
    };
    void refresh();
    const quiet = stream.listen((change) => latest.current.concerns(change) && void refresh());
    const still = stream.onState((up) => up && void refresh());
    return () => {
      gone = true;
      quiet();
      still();
    };
  }, [key]);
  return found?.key === key ? found.value : undefined;
}
