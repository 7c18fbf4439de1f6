import { useEffect, useRef, useState } from "react";

type Props = {
  label: string;
  placeholder?: string;
  chips?: string[];
  /** One line told while the text is a slash command. */
  hint?: string;
  /** Returns false where the text is to stay. */
  onSend: (text: string, files: File[]) => Promise<boolean> | boolean;
  /** Whether files can be attached here. */
  attach?: boolean;
  small?: boolean;
};

/** Where one writes: Enter sends, Shift+Enter is a new line, Up and Down go through what was sent. */
export function Composer({ label, placeholder, chips = [], hint, onSend, attach = false, small = false }: Props) {
  const [text, setText] = useState("");
  const [sent, setSent] = useState<string[]>([]);
  const [back, setBack] = useState(0);
  const [busy, setBusy] = useState(false);
  const [files, setFiles] = useState<File[]>([]);
  const box = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    setText("");
    setFiles([]);
    setBack(0);
  }, [label]);
  useEffect(() => {
    const area = box.current!;
    area.style.height = "0";
    area.style.height = `${Math.min(area.scrollHeight, 140)}px`;
  }, [text]);

  const send = async (words: string) => {
    const said = words.trim();
    if ((!said && !files.length) || busy) return;
    if (said) setSent((all) => (all.at(-1) === said ? all : [...all, said]));
    setBack(0);
    setText("");
    setFiles([]);
    setBusy(true);
    box.current?.focus(); // now: when the answer comes, somebody may be writing elsewhere
    const fine = await onSend(said, files);
    setBusy(false);
    if (fine) return;
    setText(said);
    setFiles(files);
  };

  const recall = (steps: number) => {
    const place = Math.max(0, Math.min(sent.length, back + steps));
    setBack(place);
    setText(place ? sent[sent.length - place]! : "");
  };

  const onKey = (event: React.KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void send(text);
    } else if (event.key === "ArrowUp" && (text === "" || back > 0) && sent.length) {
      event.preventDefault();
      recall(1);
    } else if (event.key === "ArrowDown" && back > 0) {
      event.preventDefault();
      recall(-1);
    }
  };

  return (
    <div className={small ? "composer small" : "composer"}>
      {chips.length > 0 && (
        <div className="chips" role="group" aria-label="Suggestions">
          {chips.map((chip) => (
            <button key={chip} type="button" disabled={busy} onClick={() => void send(chip)}>
              {chip}
            </button>
          ))}
        </div>
      )}
      {files.length > 0 && (
        <div className="chips" role="group" aria-label="Attached files">
          {files.map((file) => (
            <button key={file.name} type="button" aria-label={`Remove ${file.name}`} onClick={() => setFiles(files.filter((each) => each !== file))}>
              {file.name} <span aria-hidden>×</span>
            </button>
          ))}
        </div>
      )}
      <div className="writing">
        {hint && text.startsWith("/") && (
          <div className="hint" role="note">
            {hint}
          </div>
        )}
        <textarea
          ref={box}
          rows={1}
          value={text}
          aria-label={label}
          placeholder={placeholder ?? label}
          onKeyDown={onKey}
          onChange={(event) => {
            setText(event.target.value);
            setBack(0);
          }}
        />
        {attach && (
          <label className="send" title="Attach a file">
            <input
              type="file"
              aria-label="Attach a file"
              disabled={busy}
              onChange={(event) => {
                setFiles([...files, ...(event.target.files ?? [])]);
                event.target.value = "";
              }}
            />
            <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
              <path d="M14.8 3.2a3.6 3.6 0 0 0-5.1 0L3.9 9a5 5 0 0 0 7.1 7.1l5-5-1.2-1.2-5 5a3.3 3.3 0 0 1-4.7-4.7l5.8-5.8a1.9 1.9 0 0 1 2.7 2.7l-5.6 5.6a.6.6 0 0 1-.9-.9l4.8-4.8-1.2-1.2-4.8 4.8a2.3 2.3 0 0 0 3.3 3.3l5.6-5.6a3.6 3.6 0 0 0 0-5.1z" />
            </svg>
          </label>
        )}
        <button type="button" className="send" aria-label="Send" disabled={busy || (!text.trim() && !files.length)} onClick={() => void send(text)}>
          <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
            <path d="M2.2 2.6 18 10 2.2 17.4l1.9-6.2L12 10 4.1 8.8z" />
          </svg>
        </button>
      </div>
    </div>
  );
}
