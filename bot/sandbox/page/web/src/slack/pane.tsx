import { Fragment, useEffect, useMemo, useState } from "react";

import { Composer } from "../composer";
import { Scroll, useDo, useTell } from "../parts";
import { Avatar, type Role } from "../people";
import { useTimes } from "../time";
import { act, encoded, get, useChanges, useLive, type Change } from "../wire";
import { World } from "./blocks";
import { Message, moment } from "./message";
import type { Channel, SlackMessage, SlackView, SlackWorld } from "./types";
import { HomeTab } from "./home";
import { View } from "./view";

const CHIPS = ["/batch home", "/batch pool list", "/batch job list", "/batch usage 24h", "/batch help"];
const HINT = "/batch  [command]: run Azure Batch from here; /batch help tells all commands";
const CLOSE_SECONDS = 300;

/** A slash command that this page's reader used; Slack shows it to nobody else, and the page only here. */
type Used = { channel: string; role: Role; text: string; ts: string };

export function SlackPane({ role, world }: { role: Role; world: SlackWorld }) {
  const me = world.people.find((person) => person.role === role)!;
  const mine = world.channels.filter((each) => each.kind === "channel" || each.person === me.id);
  const [chosen, setChosen] = useState("batch-ops");
  const channel = mine.find((each) => (each.kind === "im" ? "im" : each.name) === chosen) ?? mine[0]!;
  const [unread, setUnread] = useState<Record<string, number>>({});
  const [tab, setTab] = useState<"home" | "messages">("messages");
  const [used, setUsed] = useState<Used[]>([]);
  const run = useDo();
  const tell = useTell();

  useChanges(({ slack }) => {
    if (!slack || slack.channel === channel.id || !["message", "ephemeral"].includes(slack.type)) return;
    if (slack.type === "ephemeral" && slack.user !== me.id) return;
    setUnread((all) => ({ ...all, [slack.channel]: (all[slack.channel] ?? 0) + 1 }));
  });
  useEffect(() => setUnread((all) => ({ ...all, [channel.id]: 0 })), [channel.id]);

  const home = channel.kind === "im" && tab === "home";
  const name = channel.kind === "im" ? "batchbot" : `#${channel.name}`;
  const send = async (text: string, thread?: string, attached: File[] = []): Promise<boolean> => {
    if (text.startsWith("/") && !thread) {
      const [command = "", ...rest] = text.split(/\s+/);
      const use: Used = { channel: channel.id, role, text, ts: String(Date.now() / 1000) };
      setUsed((all) => [...all, use]);
      const body = { user: me.id, channel: channel.id, command, text: rest.join(" ") };
      const taken = await run(() => act("slack", "command", body));
      if (!taken) setUsed((all) => all.filter((each) => each !== use));
      return taken !== undefined;
    }
    if (text.startsWith("/")) {
      tell("Slack has no slash commands in threads. Write @batchbot and the command.");
      return false;
    }
    const files: string[] = [];
    for (const file of attached) {
      const taken = await run(async () => act<{ id: string }>("slack", "attach", { user: me.id, ...(await encoded(file)) }));
      if (!taken) return false;
      files.push(taken.id);
    }
    const body = { user: me.id, channel: channel.id, text, files, ...(thread ? { thread_ts: thread } : {}) };
    return (await run(() => act("slack", "say", body))) !== undefined;
  };

  return (
    <World.Provider value={world}>
      <section className="pane slack" data-testid="slack-pane" aria-label="Slack">
        <nav className="channels" aria-label="Slack channels">
          <h2>Sandbox</h2>
          <h3>Channels</h3>
          {mine
            .filter((each) => each.kind === "channel")
            .map((each) => (
              <ChannelButton key={each.id} channel={each} on={each === channel} unread={unread[each.id]} onChoose={() => setChosen(each.name)} />
            ))}
          <h3>Apps</h3>
          {mine
            .filter((each) => each.kind === "im")
            .map((each) => (
              <ChannelButton key={each.id} channel={each} on={each === channel} unread={unread[each.id]} onChoose={() => setChosen("im")} />
            ))}
        </nav>
        <div className="talk">
          <header className="about">
            <h2>{name}</h2>
            <span>
              {channel.kind === "im"
                ? "your direct messages with the app: write a command as it is"
                : channel.bot
                  ? `${channel.members.length} members, batchbot among them`
                  : "batchbot is no member here; /batch works all the same"}
            </span>
            <button type="button" className="shortcut" title="A shortcut: it works from everywhere" onClick={() => void run(() => act("slack", "shortcut", { user: me.id, callback_id: "ask" }))}>
              ⚡ Ask batchbot
            </button>
          </header>
          {channel.kind === "im" && (
            <div className="tabs" role="tablist" aria-label="batchbot">
              {(["home", "messages"] as const).map((each) => (
                <button key={each} type="button" role="tab" aria-selected={tab === each} onClick={() => setTab(each)}>
                  {each === "home" ? "Home" : "Messages"}
                </button>
              ))}
            </div>
          )}
          {home ? <HomeTab user={me.id} /> : null}
          {!home && <History channel={channel} me={me.id} used={used.filter((each) => each.channel === channel.id && each.role === role)} name={name} onReply={send} />}
          {!home && <Composer label={`Message ${name}`} chips={CHIPS} hint={HINT} attach onSend={(text, files) => send(text, undefined, files)} />}
        </div>
        <Views user={me.id} />
      </section>
    </World.Provider>
  );
}

function ChannelButton(props: { channel: Channel; on: boolean; unread?: number; onChoose: () => void }) {
  const { channel } = props;
  return (
    <button type="button" className={props.on ? "on" : props.unread ? "unread" : ""} aria-current={props.on ? "page" : undefined} onClick={props.onChoose}>
      {channel.kind === "im" ? (
        <>
          <Avatar who="bot" size={18} /> <span>batchbot</span>
        </>
      ) : (
        <>
          <span className="hash" aria-hidden="true">#</span> <span>{channel.name}</span>
        </>
      )}
      {props.unread ? <b aria-label={`${props.unread} unread`}>{props.unread}</b> : null}
    </button>
  );
}

type HistoryProps = {
  channel: Channel;
  me: string;
  used: Used[];
  name: string;
  onReply: (text: string, ts: string) => Promise<boolean>;
};

function History({ channel, me, used, name, onReply }: HistoryProps) {
  const concerns = ({ slack }: Change) => {
    if (!slack) return false;
    return slack.channel === channel.id || slack.type === "file_ready";
  };
  const load = () => get<SlackMessage[]>("slack/messages", { channel: channel.id, user: me });
  const messages = useLive(`${channel.id} ${me}`, load, concerns);
  const { day } = useTimes();
  const lines = useMemo(() => timeline(messages ?? [], used), [messages, used]);
  return (
    <Scroll id={`${channel.id} ${me}`} label={`Messages in ${name}`}>
      {messages?.length === 0 && used.length === 0 && (
        <p className="beginning">
          This is the very beginning of <strong>{name}</strong>. Type a command below, or press one of the suggestions.
        </p>
      )}
      {lines.map((line, index) => {
        const before = lines[index - 1];
        const date = day(moment(line.ts));
        return (
          <Fragment key={`${line.kind}${line.ts}`}>
            {(!before || day(moment(before.ts)) !== date) && (
              <p className="day">
                <span>{date}</span>
              </p>
            )}
            {line.kind === "used" ? (
              <p className="used">
                You used <code>{line.text}</code>
              </p>
            ) : (
              <Message
                message={line.message}
                replies={line.replies}
                close={isClose(before, line)}
                channel={channel.id}
                user={me}
                onReply={onReply}
              />
            )}
          </Fragment>
        );
      })}
    </Scroll>
  );
}

type Line =
  | { kind: "said"; ts: string; message: SlackMessage; replies: SlackMessage[] }
  | { kind: "used"; ts: string; text: string };

function timeline(messages: SlackMessage[], used: Used[]): Line[] {
  const threads = new Map<string, SlackMessage[]>();
  for (const message of messages) {
    if (message.thread_ts && message.thread_ts !== message.ts) {
      threads.set(message.thread_ts, [...(threads.get(message.thread_ts) ?? []), message]);
    }
  }
  const roots = messages.filter((each) => !each.thread_ts || each.thread_ts === each.ts);
  const said = roots.map((message): Line => ({ kind: "said", ts: message.ts, message, replies: threads.get(message.ts) ?? [] }));
  const lines: Line[] = [...said, ...used.map(({ ts, text }): Line => ({ kind: "used", ts, text }))];
  return lines.sort((a, b) => Number(a.ts) - Number(b.ts));
}

function isClose(before: Line | undefined, line: Line): boolean {
  if (before?.kind !== "said" || line.kind !== "said" || before.replies.length || before.message.ephemeral !== line.message.ephemeral) return false;
  return before.message.user === line.message.user && Number(line.ts) - Number(before.ts) < CLOSE_SECONDS;
}

function Views({ user }: { user: string }) {
  const load = () => get<SlackView[]>("slack/views", { user });
  const concerns = ({ slack }: Change) => Boolean(slack?.type.startsWith("view_") && slack.user === user);
  const views = useLive(user, load, concerns);
  const top = views?.at(-1);
  return top ? <View key={top.id} view={top} user={user} /> : null;
}
