// What both panes are made of: scrolling that stays at the end, dialogs, enlarged pictures, passing words.

import { createContext, useCallback, useContext, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";

type Toast = { id: number; text: string; grave: boolean };
type Tell = (text: string, grave?: boolean) => void;

const Telling = createContext<Tell>(() => undefined);

/** Say something in passing; an error unless told otherwise. */
export const useTell = (): Tell => useContext(Telling);

const ERROR_MS = 10_000;
const NOTICE_MS = 4_000;

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(0);
  const drop = useCallback((id: number) => setToasts((all) => all.filter((each) => each.id !== id)), []);
  const tell = useCallback<Tell>(
    (text, grave = true) => {
      const id = next.current++;
      setToasts((all) => [...all.slice(-3), { id, text, grave }]);
      setTimeout(() => drop(id), grave ? ERROR_MS : NOTICE_MS);
    },
    [drop],
  );
  return (
    <Telling.Provider value={tell}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className={toast.grave ? "toast grave" : "toast"}>
            <span>{toast.text}</span>
            <button type="button" aria-label="Dismiss" onClick={() => drop(toast.id)}>
              ×
            </button>
          </div>
        ))}
      </div>
    </Telling.Provider>
  );
}

/** Run something that may be refused; the refusal is told. */
export function useDo(): <T>(work: () => Promise<T>) => Promise<T | undefined> {
  const tell = useTell();
  return useCallback(
    async (work) => {
      try {
        return await work();
      } catch (error) {
        tell(error instanceof Error ? error.message : String(error));
        return undefined;
      }
    },
    [tell],
  );
}

/** A list that stays at its end while its content grows, unless the reader has scrolled up. `id` names what it shows. */
export function Scroll({ id, label, children }: { id: string; label: string; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const last = useRef(0);
  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  useLayoutEffect(() => {
    pinned.current = true;
    toEnd();
  }, [id]);
  useEffect(() => {
    const observer = new ResizeObserver(() => pinned.current && toEnd());
    observer.observe(content.current!);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const onScroll = () => {
    // Content may have grown since the scrolling that this tells of: only going up means that somebody reads.
    const { scrollTop, clientHeight, scrollHeight } = box.current!;
    if (scrollHeight - scrollTop - clientHeight < 40) pinned.current = true;
    else if (scrollTop < last.current) pinned.current = false;
    last.current = scrollTop;
  };
  return (
    <div className="scroll" ref={box} onScroll={onScroll} role="log" aria-label={label} tabIndex={0}>
      <div ref={content}>{children}</div>
    </div>
  );
}

/** A modal over one pane (or, with `over` the page, over everything). Escape and the cross leave it. */
export function Modal(props: {
  title: string;
  className: string;
  onClose: () => void;
  children: ReactNode;
  over?: Element | null;
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const first = box.current?.querySelector<HTMLElement>(".modal-body input, .modal-body select, .modal-body textarea");
    (first ?? box.current)?.focus();
    return () => before?.focus?.();
  }, []);
  const onKey = (event: React.KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      props.onClose();
    }
    if (event.key !== "Tab") return;
    const stops = [...box.current!.querySelectorAll<HTMLElement>("button, input, select, textarea, a[href]")];
    const [first, last] = [stops[0], stops.at(-1)];
    if (event.shiftKey && document.activeElement === first) {
      event.preventDefault();
      last?.focus();
    } else if (!event.shiftKey && document.activeElement === last) {
      event.preventDefault();
      first?.focus();
    }
  };
  const modal = (
    <div className={`backdrop ${props.className}`} onMouseDown={(event) => event.target === event.currentTarget && props.onClose()}>
      <div className="modal" role="dialog" aria-modal="true" aria-label={props.title} ref={box} tabIndex={-1} onKeyDown={onKey}>
        <header>
          <h2>{props.title}</h2>
          <button type="button" className="cross" aria-label="Close" onClick={props.onClose}>
            ×
          </button>
        </header>
        {props.children}
      </div>
    </div>
  );
  return props.over === undefined ? modal : createPortal(modal, props.over ?? document.body);
}

type Picture = { src: string; alt: string };
const Enlarging = createContext<(picture: Picture) => void>(() => undefined);

/** Show a picture as large as the window allows. */
export const useEnlarge = (): ((picture: Picture) => void) => useContext(Enlarging);

export function Lightbox({ children }: { children: ReactNode }) {
  const [picture, setPicture] = useState<Picture>();
  return (
    <Enlarging.Provider value={setPicture}>
      {children}
      {picture && (
        <Modal title="Picture" className="lightbox" over={document.body} onClose={() => setPicture(undefined)}>
          <figure className="modal-body">
            <img src={picture.src} alt={picture.alt} />
            <figcaption>{picture.alt}</figcaption>
          </figure>
        </Modal>
      )}
    </Enlarging.Provider>
  );
}
