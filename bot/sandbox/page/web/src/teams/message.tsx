import { memo } from "react";

import { useDo } from "../parts";
import { Avatar } from "../people";
import { useTimes } from "../time";
import { act } from "../wire";
import { Card } from "./card";
import { markdown, plain } from "./markdown";
import { BOT, type Attachment, type TeamsMessage } from "./types";

const ADAPTIVE = "application/vnd.microsoft.card.adaptive";
const FILE = "application/vnd.microsoft.teams.file.download.info";

/** In a channel (`post`) everybody stands on the left; in a chat one's own words stand on the right. */
type Props = { message: TeamsMessage; role: string; name: string; post: boolean };

export const Message = memo(
  function Message({ message, role, name, post }: Props) {
    const own = message.from === role && !post;
    const at = new Date(message.at);
    const bot = message.from === "bot";
    const run = useDo();
    const { clock, whole } = useTimes();
    return (
      <article className={`message${own ? " own" : ""}${bot ? " from-bot" : ""}`} data-id={message.id}>
        {!own && <Avatar who={message.from} round size={32} />}
        <div className="said">
          <header>
            {!own && <strong>{bot ? BOT : name}</strong>}
            <time dateTime={message.at} title={whole(at)}>
              {clock(at)}
            </time>
            {message.edited && <span className="edited">Edited</span>}
            {message.only && <span className="only-you">Only you can see this message</span>}
          </header>
          {message.deleted && <p className="gone">This message has been deleted.</p>}
          {message.text && (
            <div
              className="bubble"
              dangerouslySetInnerHTML={{ __html: message.textFormat === "markdown" ? markdown(message.text) : plain(message.text) }}
            />
          )}
          {message.attachments.map((attachment, index) => (
            <Attached key={index} attachment={attachment} message={message} role={role} />
          ))}
          {!message.deleted && (
            <button type="button" className="about-this" onClick={() => void run(() => act("teams", "about", { user: role, conversation: message.conversation, message: message.id }))}>
              Ask about this message
            </button>
          )}
          {message.problems.length > 0 && (
            <aside className="problems" aria-label="What Teams would not draw">
              {message.problems.map((problem, index) => (
                <p key={index}>▲ {problem}</p>
              ))}
            </aside>
          )}
        </div>
      </article>
    );
  },
  (a, b) => a.role === b.role && JSON.stringify(a.message) === JSON.stringify(b.message),
);

function Attached({ attachment, message, role }: { attachment: Attachment; message: TeamsMessage; role: string }) {
  if (attachment.instead !== undefined) return <div className="bubble">{attachment.instead}</div>;
  if (attachment.contentType === FILE) return <div className="bubble">⇩ {attachment.name}</div>;
  if (attachment.contentType !== ADAPTIVE || !attachment.content) {
    return <p className="gone">An attachment of type {attachment.contentType}, which this page does not draw.</p>;
  }
  return (
    <Card
      card={attachment.content}
      onPress={(action, inputs) =>
        act("teams", "press", { user: role, conversation: message.conversation, message: message.id, action, inputs })
      }
    />
  );
}
