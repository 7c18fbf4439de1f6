import { Fragment, useEffect, useRef, useState } from "react";

import { Composer } from "../composer";
import { Modal, Scroll, useDo, useTell } from "../parts";
import { Avatar, type Role } from "../people";
import { useTimes } from "../time";
import { act, encoded, get, useChanges, useLive, type Change } from "../wire";
import { Card } from "./card";
import { Find } from "./find";
import { Message } from "./message";
import { BOT, type Conversation, type Dialog, type Refusal, type TeamsMessage, type TeamsWorld } from "./types";

const WORDS = ["home", "pool list", "job list", "usage 24h", "help"];
const TYPING_MS = 8000;
const REFUSALS = 50;

export function TeamsPane({ role, world }: { role: Role; world: TeamsWorld }) {
  const [chosen, setChosen] = useState("personal");
  const { conversations, installing } = useLive("conversations", () => get<{ teams: TeamsWorld }>("people"), isMembership)?.teams ?? world;
  const mine = conversations.filter((each) => each.members.includes(role));
  const chat = mine.find((each) => (each.kind === "personal" ? "personal" : each.name) === chosen) ?? mine[0]!;
  const [unread, setUnread] = useState<Record<string, number>>({});
  const [typing, setTyping] = useState(false);
  const [finding, setFinding] = useState(false);
  const [refused, setRefused] = useState<Refusal[]>(world.refused);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const tell = useTell();
  const run = useDo();

  useChanges(({ teams }) => {
    if (!teams || (teams.only && teams.only !== role)) return; // a targeted message is nothing to anybody else
    if ((teams.event === "error" || teams.event === "notice") && teams.user === role) tell(teams.text, teams.event === "error");
    if (teams.event === "refused") setRefused((all) => [...all, teams as unknown as Refusal].slice(-REFUSALS));
    if (teams.event === "typing" && teams.conversation === chat.id) {
      setTyping(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setTyping(false), TYPING_MS);
    }
    if (teams.event === "posted" || teams.event === "updated") {
      if (teams.conversation === chat.id) setTyping(false);
      else if (teams.event === "posted") setUnread((all) => ({ ...all, [teams.conversation]: (all[teams.conversation] ?? 0) + 1 }));
    }
  });
  useEffect(() => {
    setUnread((all) => ({ ...all, [chat.id]: 0 }));
    setTyping(false);
  }, [chat.id]);

  const mention = chat.kind === "personal" ? "" : `@${BOT} `;
  const send = async (text: string, reply?: string, attached: File[] = []) => {
    const files = await Promise.all(attached.map(encoded));
    const body = { user: role, conversation: chat.id, text, files, ...(reply ? { reply_to: reply } : {}) };
    return (await run(() => act("teams", "say", body))) !== undefined;
  };

  return (
    <section className="pane teams" data-testid="teams-pane" aria-label="Microsoft Teams">
      <nav className="channels" aria-label="Teams conversations">
        <h2>Chat</h2>
        {mine
          .filter((each) => each.kind !== "channel")
          .map((each) => (
            <ChannelButton key={each.id} chat={each} on={each === chat} unread={unread[each.id]} onChoose={() => setChosen(each.kind === "personal" ? "personal" : each.name)} />
          ))}
        <h2>Teams</h2>
        {mine
          .filter((each) => each.kind === "channel")
          .map((each) => (
            <ChannelButton key={each.id} chat={each} on={each === chat} unread={unread[each.id]} onChoose={() => setChosen(each.name)} />
          ))}
      </nav>
      <div className="talk">
        <header className="about">
          <Avatar who={chat.kind === "personal" ? "bot" : "chat"} round size={28} />
          <h2>{chat.title}</h2>
          <span>{chat.kind === "personal" ? "your chat with the app" : `the app hears what mentions @${BOT}`}</span>
          <Refusals refused={refused} />
          {chat.installed && (
            <button type="button" className="extension" title="The app's message extension" onClick={() => setFinding(true)}>
              ⌕ Find in Azure Batch
            </button>
          )}
        </header>
        {!chat.installed && installing && (
          <p className="install" role="status">
            {BOT} is being added here: the demo still starts. What you write now is sent as soon as it is there.
          </p>
        )}
        {!chat.installed && !installing && (
          <p className="install" role="status">
            {BOT} is not installed here.{" "}
            <button type="button" onClick={() => void run(() => act("teams", "install", { user: role, conversation: chat.id }))}>
              Add it
            </button>
          </p>
        )}
        <History chat={chat} role={role} world={world} onReply={send} />
        {typing && (
          <p className="typing" role="status">
            {BOT} is typing<i>.</i><i>.</i><i>.</i>
          </p>
        )}
        <Composer
          label={chat.kind === "channel" ? "Start a post in General" : `Message ${chat.title}`}
          placeholder={chat.kind === "personal" ? "Type a command, such as pool list" : `Mention @${BOT}, then a command`}
          chips={WORDS.map((words) => mention + words)}
          attach={chat.kind === "personal"}
          onSend={(text, files) => send(text, undefined, files)}
        />
      </div>
      {finding && <Find role={role} conversation={chat.id} onClose={() => setFinding(false)} />}
      <Dialogs role={role} />
    </section>
  );
}

const isMembership = ({ teams }: Change): boolean => teams?.event === "installed" || teams?.event === "removed";

function ChannelButton(props: { chat: Conversation; on: boolean; unread?: number; onChoose: () => void }) {
  const { chat } = props;
  return (
    <button type="button" className={props.on ? "on" : props.unread ? "unread" : ""} aria-current={props.on ? "page" : undefined} onClick={props.onChoose}>
      <Avatar who={chat.kind === "personal" ? "bot" : "chat"} round size={24} /> <span>{chat.title}</span>
      {props.unread ? <b aria-label={`${props.unread} unread`}>{props.unread}</b> : null}
    </button>
  );
}

/** What Teams refused of the bot's: a developer wants to know, a reader may look away. */
function Refusals({ refused }: { refused: Refusal[] }) {
  const { clock } = useTimes();
  if (!refused.length) return null;
  return (
    <details className="refusals">
      <summary>▲ {refused.length} refused</summary>
      <ul>
        {refused.toReversed().map((each, index) => (
          <li key={index}>
            <time>{clock(new Date(each.at))}</time> <strong>{each.what}</strong> {each.code}: {each.reason}
          </li>
        ))}
      </ul>
    </details>
  );
}

type HistoryProps = { chat: Conversation; role: Role; world: TeamsWorld; onReply: (text: string, id: string) => Promise<boolean> };

function History({ chat, role, world, onReply }: HistoryProps) {
  const load = () => get<TeamsMessage[]>("teams/messages", { conversation: chat.id, user: role });
  const concerns = ({ teams }: Change) => {
    if (teams?.conversation !== chat.id) return false;
    return ["posted", "updated", "deleted", "replaced"].includes(teams.event) && (teams.event !== "replaced" || teams.user === role);
  };
  const messages = useLive(`${chat.id} ${role}`, load, concerns);
  const { day } = useTimes();
  const names = new Map(world.people.map((person) => [person.role, person.name]));
  const draw = (message: TeamsMessage) => <Message key={message.id} message={message} role={role} name={names.get(message.from) ?? message.from} post={chat.kind === "channel"} />;
  const roots = messages?.filter((each) => !each.thread) ?? [];
  return (
    <Scroll id={`${chat.id} ${role}`} label={`Messages in ${chat.title}`}>
      {messages?.length === 0 && (
        <p className="beginning">
          {chat.kind === "personal" ? "Say hello: write a command below." : `Write @${BOT} and a command below.`}
        </p>
      )}
      {roots.map((root, index) => {
        const date = day(new Date(root.at));
        const before = roots[index - 1];
        return (
          <Fragment key={root.id}>
            {(!before || day(new Date(before.at)) !== date) && (
              <p className="day">
                <span>{date}</span>
              </p>
            )}
            {chat.kind === "channel" ? (
              <div className="post">
                {draw(root)}
                <div className="answers">
                  {messages!.filter((each) => each.thread === root.id).map(draw)}
                  <Composer small label="Reply to this post" placeholder={`Reply; @${BOT} to be heard`} onSend={(text) => onReply(text, root.id)} />
                </div>
              </div>
            ) : (
              draw(root)
            )}
          </Fragment>
        );
      })}
    </Scroll>
  );
}

function Dialogs({ role }: { role: Role }) {
  const load = () => get<Dialog[]>("teams/dialogs", { user: role });
  const concerns = ({ teams }: Change) => Boolean(teams?.event.startsWith("dialog") && teams.user === role);
  const dialog = useLive(role, load, concerns)?.at(-1);
  const run = useDo();
  if (!dialog) return null;
  return (
    <Modal key={dialog.id} title={dialog.title ?? BOT} className="teams-backdrop" onClose={() => void run(() => act("teams", "close", { user: role, dialog: dialog.id }))}>
      <div className="modal-body">
        {dialog.card && (
          <Card
            card={dialog.card}
            onPress={(action, inputs) => act("teams", "submit", { user: role, dialog: dialog.id, action, inputs })}
            onSearch={(input, query) => act("teams", "search", { user: role, conversation: "", message: dialog.id, input, query })}
          />
        )}
        {dialog.url && (
          <a href={dialog.url} target="_blank" rel="noopener noreferrer">
            Open {dialog.url}
          </a>
        )}
        {dialog.problems.map((problem, index) => (
          <p key={index} className="problems">
            ▲ {problem}
          </p>
        ))}
      </div>
    </Modal>
  );
}
