// The app's search box beside the composer: what it finds, and the card of what is chosen, in a message.

import { useEffect, useRef, useState } from "react";

import { Modal, useDo } from "../parts";
import { act, type Json } from "../wire";

type Found = { title: string; text: string; value: Json };
const TYPING_MS = 300;

export function Find({ role, conversation, onClose }: { role: string; conversation: string; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<Found[]>();
  const [busy, setBusy] = useState(false);
  const newest = useRef(0);
  const run = useDo();
  useEffect(() => {
    const mine = ++newest.current;
    const timer = setTimeout(async () => {
      const results = await run(() => act<Found[]>("teams", "find", { user: role, conversation, text: typed }));
      if (mine === newest.current) setFound(typed.trim() ? results : undefined);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, role, conversation, run]);
  const choose = async (value: Json) => {
    setBusy(true);
    await run(() => act("teams", "choose", { user: role, conversation, value }));
    onClose();
  };
  return (
    <Modal title="Find in Azure Batch" className="teams-backdrop" onClose={onClose}>
      <div className="modal-body find">
        <input autoFocus value={typed} aria-label="Name" placeholder="A name, or a part of it" onChange={(event) => setTyped(event.target.value)} />
        {found?.length === 0 && <p className="beginning">Nothing has that name.</p>}
        <ul>
          {found?.map((each) => (
            <li key={`${each.title} ${each.text}`}>
              <button type="button" disabled={busy} onClick={() => void choose(each.value)}>
                <b>{each.title}</b> <small>{each.text}</small>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </Modal>
  );
}
