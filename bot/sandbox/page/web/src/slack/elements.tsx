// Elements that a person uses in a message or view.

import { useEffect, useRef, useState } from "react";

import { Modal, useDo } from "../parts";
import { act, type Json } from "../wire";
import type { Place } from "./types";

type Props = { element: Json; block: string; place: Place };
type Use = (more: Json) => void;

export function Element({ element, block, place }: Props) {
  const run = useDo();
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<Json>();
  const dispatch = async (more: Json) => {
    setBusy(true);
    await run(() => act("slack", "click", { ...place, action_id: element.action_id, block_id: block, ...more }));
    setBusy(false);
  };
  const use: Use = (more) => (element.confirm ? setAsked(more) : void dispatch(more));
  return (
    <>
      <Drawn element={element} busy={busy} use={use} place={place} block={block} />
      {asked && (
        <Confirm
          confirm={element.confirm}
          onAnswer={(yes) => {
            setAsked(undefined);
            if (yes) void dispatch(asked);
          }}
        />
      )}
    </>
  );
}

function Drawn({ element, busy, use, place, block }: Props & { busy: boolean; use: Use }) {
  switch (element.type) {
    case "button":
      return <Button element={element} busy={busy} use={use} />;
    case "static_select":
      return <Select element={element} busy={busy} use={use} options={element} />;
    case "external_select":
      return <External element={element} busy={busy} use={use} place={place} block={block} />;
    case "overflow":
      return <Overflow element={element} busy={busy} use={use} />;
    case "datepicker":
      return (
        <input
          type="date"
          aria-label={element.placeholder?.text ?? "Date"}
          defaultValue={element.initial_date}
          disabled={busy}
          onChange={(event) => event.target.value && use({ option: event.target.value })}
        />
      );
    case "checkboxes":
    case "radio_buttons":
      return <Ticks element={element} busy={busy} use={use} />;
    default:
      return <span className="unusable">A {element.type.replaceAll("_", " ")} cannot be used on this page.</span>;
  }
}

function Button({ element, busy, use }: { element: Json; busy: boolean; use: Use }) {
  const press = () => {
    if (element.url) window.open(element.url, "_blank", "noopener");
    use({ value: element.value ?? null });
  };
  return (
    <button type="button" className={`button ${element.style ?? ""}`} aria-label={element.accessibility_label} disabled={busy} onClick={press}>
      {element.text.text}
    </button>
  );
}

/** A menu that runs something at once: afterwards it shows its placeholder again, so that the same can be chosen twice. */
export function Options({ given }: { given: Json }) {
  const draw = (option: Json) => (
    <option key={option.value} value={option.value}>
      {option.text.text}
    </option>
  );
  return (
    <>
      {given.option_groups?.map((group: Json) => (
        <optgroup key={group.label.text} label={group.label.text}>
          {group.options.map(draw)}
        </optgroup>
      ))}
      {given.options?.map(draw)}
    </>
  );
}

function Select({ element, busy, use, options }: { element: Json; busy: boolean; use: Use; options: Json }) {
  const label = element.placeholder?.text ?? "Choose";
  return (
    <select
      className="select"
      aria-label={label}
      disabled={busy}
      value={element.initial_option?.value ?? ""}
      onChange={(event) => use({ option: event.target.value })}
    >
      <option value="" disabled hidden>
        {label}
      </option>
      <Options given={options} />
    </select>
  );
}

function External({ element, busy, use, place, block }: Props & { busy: boolean; use: Use }) {
  const [found, setFound] = useState<Json[]>([]);
  const search = useSuggestions(element, block, place, setFound);
  return (
    <span className="external">
      <input type="search" aria-label={element.placeholder?.text ?? "Search"} placeholder={element.placeholder?.text ?? "Search"} onChange={(event) => search(event.target.value)} />
      {found.length > 0 && <Select element={{ ...element, placeholder: { text: "Choose" } }} busy={busy} use={use} options={grouped(found)} />}
    </span>
  );
}

export const grouped = (found: Json[]): Json => (found[0]?.options ? { option_groups: found } : { options: found });

/** Ask the app for options as somebody types; the answer to the last letters wins. */
export function useSuggestions(element: Json, block: string, place: Place, onFound: (found: Json[]) => void): (typed: string) => void {
  const run = useDo();
  const turn = useRef(0);
  return async (typed) => {
    const mine = ++turn.current;
    const where = "view" in place ? { where: place.view } : { where: place.channel, ts: place.ts };
    const body = { user: place.user, ...where, action_id: element.action_id, block_id: block, typed };
    const found = await run(() => act<Json[]>("slack", "suggest", body));
    if (mine === turn.current) onFound(found ?? []);
  };
}

function Overflow({ element, busy, use }: { element: Json; busy: boolean; use: Use }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const leave = (event: MouseEvent) => !box.current?.contains(event.target as Node) && setOpen(false);
    document.addEventListener("mousedown", leave);
    return () => document.removeEventListener("mousedown", leave);
  }, [open]);
  const onKey = (event: React.KeyboardEvent) => {
    const items = [...box.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") setOpen(false);
    else if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items.at(at - 1)?.focus();
    else return;
    event.preventDefault();
  };
  return (
    <span className="overflow" ref={box} onKeyDown={onKey}>
      <button type="button" className="button" aria-label="More actions" aria-haspopup="menu" aria-expanded={open} disabled={busy} onClick={() => setOpen(!open)}>
        ⋯
      </button>
      {open && (
        <span role="menu" className="menu">
          {element.options.map((option: Json) => (
            <button
              key={option.value}
              type="button"
              role="menuitem"
              onClick={() => {
                setOpen(false);
                if (option.url) window.open(option.url, "_blank", "noopener");
                use({ option: option.value });
              }}
            >
              {option.text.text}
            </button>
          ))}
        </span>
      )}
    </span>
  );
}

function Ticks({ element, busy, use }: { element: Json; busy: boolean; use: Use }) {
  const several = element.type === "checkboxes";
  const first: Json[] = several ? (element.initial_options ?? []) : [element.initial_option].filter(Boolean);
  const [chosen, setChosen] = useState<string[]>(first.map((option) => option.value));
  const toggle = (value: string) => {
    const next = several ? (chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]) : [value];
    setChosen(next);
    use({ option: several ? next : value });
  };
  return (
    <span className="ticks">
      {element.options.map((option: Json) => (
        <label key={option.value}>
          <input type={several ? "checkbox" : "radio"} checked={chosen.includes(option.value)} disabled={busy} onChange={() => toggle(option.value)} />
          {option.text.text}
        </label>
      ))}
    </span>
  );
}

function Confirm({ confirm, onAnswer }: { confirm: Json; onAnswer: (yes: boolean) => void }) {
  return (
    <Modal title={confirm.title.text} className="slack-backdrop" over={document.querySelector("[data-testid=slack-pane]")} onClose={() => onAnswer(false)}>
      <div className="modal-body">
        <p>{confirm.text.text}</p>
      </div>
      <footer>
        <button type="button" className="button" onClick={() => onAnswer(false)}>
          {confirm.deny.text}
        </button>
        <button type="button" className={`button ${confirm.style ?? "primary"}`} onClick={() => onAnswer(true)}>
          {confirm.confirm.text}
        </button>
      </footer>
    </Modal>
  );
}
