import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { useDo, useEnlarge } from "../parts";
import type { Json } from "../wire";
import { render, widthOf, type Searched, type Width } from "./library";

type Props = {
  card: Json;
  onPress: (action: Json, inputs: Record<string, string>) => Promise<unknown>;
  /** Asks the app for choices while somebody types into a choice that searches. */
  onSearch?: Searched;
};

/** One Adaptive Card. It is drawn anew when its content or its kind of width
 * changes, so what is typed into it stays until then. */
export function Card({ card, onPress, onSearch }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(onPress);
  latest.current = onPress;
  const searching = useRef(onSearch);
  searching.current = onSearch;
  const [busy, setBusy] = useState(false);
  const run = useDo();
  const enlarge = useEnlarge();
  const content = JSON.stringify(card);
  const [width, setWidth] = useState<Width>();
  useLayoutEffect(() => {
    const measure = () => setWidth(widthOf(box.current!.clientWidth));
    const observer = new ResizeObserver(measure);
    observer.observe(box.current!);
    measure();
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!width) return;
    const press = async (action: Json, inputs: Record<string, string>) => {
      setBusy(true);
      await run(() => latest.current(action, inputs));
      setBusy(false);
    };
    const drawn = render(JSON.parse(content), width, press, async (input, typed) => (await searching.current?.(input, typed)) ?? []);
    box.current!.replaceChildren(...(drawn ? [drawn] : []));
    for (const picture of box.current!.querySelectorAll("img")) {
      const show = () => enlarge({ src: picture.src, alt: picture.alt });
      picture.tabIndex = 0;
      picture.onclick = show;
      picture.onkeydown = (event) => event.key === "Enter" && show();
    }
  }, [content, width, run, enlarge]);
  return <div className={busy ? "card busy" : "card"} aria-busy={busy} ref={box} />;
}
