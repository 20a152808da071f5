import { settingList } from '../../src/config/schema.ts';
import { cell, GENERATED } from './markdown.ts';

/** The text of docs/configuration.md. */
export function configurationReference(): string {
  const rows = settingList.map(({ key, setting }) => {
    const { doc, environmentVariable, defaultDoc, flag, kind } = setting;
    const reach = flag === undefined ? '' : `, \`${flag}\``;
    return `| \`${key}\` | \`${environmentVariable}\`${reach} | ${cell(defaultDoc)} | ${cell(`${doc} Allowed: ${kind.allowed}.`)} |`;
  });
  return [
    '# Configuration',
    GENERATED,
    'The program works without configuration. Flags win over environment variables, which win over `config.json`, which wins over the defaults. `faiss-memory config` shows every value and its source. Unknown keys and bad values are errors that name the source.',
    'The memories are in `~/.local/share/faiss-memory` on Linux (`$XDG_DATA_HOME`), `~/Library/Application Support/faiss-memory` on macOS and `%LOCALAPPDATA%\\faiss-memory` on Windows. The configuration file is `~/.config/faiss-memory/config.json`, `~/Library/Preferences/faiss-memory/config.json` or `%APPDATA%\\faiss-memory\\config.json`; `MEMORY_CONFIG` or `--config` names another one. Keys with a dot are nested objects in it.',
    'On the command line, `--set key=value` sets every setting that is not a secret.',
    ['| key | environment variable, flag | default | meaning |', '| --- | --- | --- | --- |', ...rows].join(
      '\n',
    ),
    '## Other languages',
    'The bundled model reads English; memories in other languages are found by their words. `faiss-memory model` lists the models that can be had by name, and one command takes another one:',
    [
      '```bash',
      'faiss-memory model use multilingual-e5-small                      # about 100 languages; fetches 129 MiB from huggingface.co, after a question',
      'faiss-memory model use ~/models/my-model                          # a folder on this machine',
      'faiss-memory model use http://127.0.0.1:11434/v1 --model bge-m3   # an OpenAI-compatible endpoint, such as Ollama',
      'faiss-memory model use bundled                                    # back',
      '```',
    ].join('\n'),
    'The command loads the model, embeds two texts with it, and writes the choice into `config.json`; a variable of the environment, also one in the configuration of an MCP client, wins over that file. Servers that start afterwards give every memory a vector of the new model in the background. Until a memory has one, it is found by its words. Vectors of the model before stay until `faiss-memory reembed --drop-others`, so going back takes no time. How well search works with a model other than the bundled one was not measured.',
    'Files come over https, from one commit, and count only when their size and their SHA-256 are the expected ones. An interrupted download goes on where it ended. They are kept in `models` inside the default data folder; delete a folder there to remove a model. `HF_ENDPOINT` names a mirror of huggingface.co, and `HTTPS_PROXY` a proxy. Without a network, put the files into a folder on another machine, and name that folder.',
    'A folder needs the weights in the ONNX format in one file (`model.onnx`, `model_quantized.onnx`, or one of `model_quantized.onnx`, `model_int8.onnx`, `model.onnx` in `onnx/`) with 32-bit or 8-bit numbers, and `tokenizer.json` of the kind WordPiece, BPE or Unigram: an encoder such as BERT or XLM-RoBERTa. `1_Pooling/config.json`, `sentence_bert_config.json`, `tokenizer_config.json` and `config.json` are read where they are there. A model with `e5` in its name gets the prefixes `query: ` and `passage: `; `--query-prefix`, `--passage-prefix` and `--pooling` say otherwise. The command writes `faiss-memory-model.json` beside the files, with their SHA-256: a file that changes later is not used, and `faiss-memory doctor` names it. The native runtime speeds up these models too.',
  ].join('\n\n');
}
