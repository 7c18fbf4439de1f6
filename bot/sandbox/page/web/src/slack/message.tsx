import { memo, useContext, useState } from "react";

import { Composer } from "../composer";
import { useDo } from "../parts";
import { Avatar } from "../people";
import { useTimes } from "../time";
import { act } from "../wire";
import { Blocks, World, fileAddress } from "./blocks";
import type { SlackMessage } from "./types";

export const moment = (ts: string): Date => new Date(Number(ts) * 1000);

/** Replies that stand open without being asked for. */
const FEW = 3;

type Props = {
  message: SlackMessage;
  replies: SlackMessage[];
  /** Follows another of the same person closely: no name and picture again. */
  close: boolean;
  channel: string;
  user: string;
  onReply: (text: string, ts: string) => Promise<boolean>;
};

export function Message({ message, replies, close, channel, user, onReply }: Props) {
  const [open, setOpen] = useState<boolean>();
  const run = useDo();
  const { clock } = useTimes();
  const shown = open ?? (replies.length > 0 && replies.length <= FEW);
  const thread = replies.length > 0 || shown;
  return (
    <article className={`message${close ? " close" : ""}${message.ephemeral ? " ephemeral" : ""}`} data-ts={message.ts}>
      <Body message={message} close={close} channel={channel} user={user} />
      {!message.ephemeral && (
        <div className="message-menu">
          <button type="button" onClick={() => void run(() => act("slack", "shortcut", { user, callback_id: "about", channel, ts: message.ts }))}>
            ⚡ Ask about this message
          </button>
          {!thread && (
            <button type="button" onClick={() => setOpen(true)}>
              Reply in thread
            </button>
          )}
        </div>
      )}
      {thread && (
        <div className="thread">
          {replies.length > 0 && (
            <button type="button" className="replies" aria-expanded={shown} onClick={() => setOpen(!shown)}>
              <span aria-hidden="true">{shown ? "▾" : "▸"}</span> {replies.length} {replies.length === 1 ? "reply" : "replies"}
              <small>last at {clock(moment(replies.at(-1)!.ts))}</small>
            </button>
          )}
          {shown && (
            <>
              {replies.map((reply) => (
                <article key={reply.ts} className={`message${reply.ephemeral ? " ephemeral" : ""}`} data-ts={reply.ts}>
                  <Body message={reply} close={false} channel={channel} user={user} small />
                </article>
              ))}
              <Composer small label="Reply in thread" placeholder="Reply… (@batchbot works here, /batch does not)" onSend={(text) => onReply(text, message.ts)} />
            </>
          )}
        </div>
      )}
    </article>
  );
}

type BodyProps = { message: SlackMessage; close: boolean; channel: string; user: string; small?: boolean };

const Body = memo(
  function Body({ message, close, channel, user, small = false }: BodyProps) {
    const world = useContext(World);
    const { clock, whole } = useTimes();
    const person = world.people.find(({ id }) => id === message.user);
    const at = moment(message.ts);
    const blocks = message.blocks ?? [
      { type: "section", text: { type: "mrkdwn", text: message.text || " ", verbatim: true } },
    ];
    const place = { user, channel, ts: message.ts };
    return (
      <>
        {message.ephemeral && (
          <p className="only-you">
            <svg viewBox="0 0 20 20" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
              <path d="M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10z" />
              <circle cx="10" cy="10" r="2.5" />
            </svg>
            Only visible to you
          </p>
        )}
        <div className="body">
          {close ? (
            <time className="gutter" dateTime={at.toISOString()} title={whole(at)}>
              {clock(at)}
            </time>
          ) : (
            <Avatar who={person?.role ?? "slackbot"} size={small ? 24 : 36} />
          )}
          <div className="said">
            {!close && (
              <header>
                <strong>{message.name}</strong>
                {person?.is_bot !== false && <span className="app-mark">APP</span>}
                <time dateTime={at.toISOString()} title={whole(at)}>
                  {clock(at)}
                </time>
              </header>
            )}
            <Blocks blocks={blocks} place={place} />
            {message.attachments?.map((each, index) => (
              <div key={index} className="attachment">
                <Blocks blocks={each.blocks ?? []} place={place} />
                {each.is_app_unfurl && <small className="added-by">Added by batchbot</small>}
              </div>
            ))}
            {message.files?.map((file) =>
              file.mimetype.startsWith("image/") ? (
                <Blocks key={file.id} blocks={[{ type: "image", slack_file: { id: file.id }, alt_text: file.alt_txt ?? file.title }]} place={place} />
              ) : (
                <a key={file.id} className="file" href={fileAddress(file.id, user)} download={file.name}>
                  <b>{file.title}</b>
                  <small>{file.name}</small>
                </a>
              ),
            )}
            {message.edited && (
              <small className="edited" title={`edited at ${clock(moment(message.edited.ts))}`}>
                (edited)
              </small>
            )}
          </div>
        </div>
      </>
    );
  },
  (a, b) => a.close === b.close && a.user === b.user && JSON.stringify(a.message) === JSON.stringify(b.message),
);
