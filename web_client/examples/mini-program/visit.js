// A page of a mini-program: pages/visit/visit.js, with client/, language/ and protocol/ of web_client beside pages/.
import { MiniProgramClient } from '../../client/mini-program.js';

const BACKEND = 'https://localhost:8444/'; // yours, among the request domains; Tingqing's server among the socket domains

/** Shown at once; everything else that a patient reads comes in words from client and server. */
const WORDS = {
  asking: '请允许使用话筒。',
  connecting: '正在连接……',
  live: '正在听，请说话。',
  paused: '已暂停，结束通话后会自动继续。',
  reconnecting: '网络已断开，正在重新连接。',
  restart: '服务正在重启，马上会自动继续。', // `reconnecting` for that reason
  lost: '网络不好，刚才有几句没有传到。请再说一遍。',
  ending: '正在听您最后说的几句话……',
  ended: '会话已结束。',
  busy: '现在人多，稍后自动再试。',
};

Page({
  data: { state: 'idle', text: '点击“开始”，像平常一样说话。', prompt: null },

  /** `pages/visit/visit?visit=4711`: the number of your visit, which comes back with the result. */
  onLoad({ visit = '4711' }) {
    this.number = visit;
  },

  /** In the tap on 开始: a token of our own backend, then the recorder. */
  start() {
    this.setData({ state: 'asking', text: WORDS.asking });
    wx.request({
      url: `${BACKEND}visit/${this.number}`,
      method: 'POST',
      success: ({ statusCode, data, header }) => {
        if (this.gone) return; // nobody is there any more: no recorder
        if (statusCode === 200) this.listen(data);
        else if (statusCode === 503) this.startLater(header);
        else this.setData({ state: 'idle', text: '暂时连接不上，请稍后再试。' });
      },
      fail: () => this.gone || this.setData({ state: 'idle', text: '网络不通，请稍后再试。' }),
    });
  },

  /** The server is busy, and says in `Retry-After` when it is worth asking again. */
  startLater(header) {
    const [, seconds] = Object.entries(header).find(([name]) => name.toLowerCase() === 'retry-after') ?? [];
    this.setData({ text: WORDS.busy });
    this.waiting = setTimeout(() => this.start(), 1000 * (Number(seconds) || 10));
  },

  listen({ server, token }) {
    const client = new MiniProgramClient(wx, { server, token, mode: 'visit', language: 'zh-CN' });
    this.client = client;
    client.on('state', (state) => {
      const text = state.kind === 'failed' ? state.failure.remedy.zh : (WORDS[state.why] ?? WORDS[state.kind] ?? '');
      this.setData({ state: state.kind, text, prompt: null });
    });
    client.on('message', (message) => {
      if (message.type === 'prompt.raised' && message.audience === 'patient') this.setData({ prompt: message });
      if (message.type === 'prompt.cleared' && message.id === this.data.prompt?.id) this.setData({ prompt: null });
      if (message.type === 'session.ended') this.setData({ text: verdictOf(message.result) });
    });
    client.on('lost', (seconds) => seconds >= 0.5 && this.setData({ text: WORDS.lost }));
    client.start();
  },

  notNow() {
    this.client.snooze(this.data.prompt.id);
    this.setData({ prompt: null });
  },

  finish() {
    this.client.finish();
  },

  /** The patient goes back: what was said is judged, and what has not begun does not begin. */
  onUnload() {
    this.gone = true;
    clearTimeout(this.waiting);
    this.client?.finish();
  },
});

function verdictOf(result) {
  return result?.overall.verdict === 'accept' ? '录音很清楚，可以给医生听。' : '没能听清，请医生再发起一次。';
}
