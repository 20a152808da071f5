import { UUID_PATTERN } from '../util/uuid.ts';
import { isPlaceholder, isRandom, type SecretRule } from './secret-rule.ts';

/** A token does not begin inside a word. An escaped `\n` in JSON and `%0A` in a URL end a word too. */
const START = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))`;

/** A rule for a token with a known prefix. `body` must end in the repetition that matches the rest of the token. */
function token(kind: string, prefix: string, body: string): SecretRule {
  return {
    kind,
    pattern: new RegExp(`(?<prefix>${prefix})(?<=${START}${prefix})${body}`, 'g'),
    accept: (secret, groups) => isRandom(secret.slice(groups['prefix']?.length)),
  };
}

const WORD = '[A-Za-z0-9]';
const URL_SAFE = '[A-Za-z0-9_-]';
const HEX = '[0-9a-f]';

/** Token formats as their makers document them. A longer token is still matched to its end. */
export const providerTokenRules: readonly SecretRule[] = [
  token('AWS access key', '(?:AKIA|ASIA|ABIA|ACCA)', '[A-Z2-7]{16}(?![A-Za-z0-9])'),
  token('AWS Bedrock API key', 'ABSK', '[A-Za-z0-9+/]{80,}={0,2}'),
  token('GitHub token', 'gh[pour]_', `${WORD}{36,}`),
  token('GitHub token', 'ghs_', '[A-Za-z0-9_.-]{35,}[A-Za-z0-9]'),
  token('GitHub token', 'github_pat_', '\\w{36,}'),
  token(
    'GitLab token',
    'gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|oas|wt)-',
    '[A-Za-z0-9_.-]{19,}[A-Za-z0-9]',
  ),
  token('GitLab token', 'GR1348941', `${URL_SAFE}{20,}`),
  token('Anthropic API key', 'sk-ant-', `${URL_SAFE}{24,}`),
  token('OpenRouter API key', 'sk-or-', `${URL_SAFE}{32,}`),
  token('OpenAI API key', 'sk-(?:proj|svcacct|admin|service|None)-', `${URL_SAFE}{20,}`),
  token('OpenAI API key', 'sk-', `${WORD}{20}T3BlbkFJ${WORD}{20,}`),
  token('API key', 'sk-', `(?:lf-)?(?=[A-Za-z]{0,24}\\d)${WORD}{24,}${URL_SAFE}*`),
  token('Slack token', 'xox[abdeoprs]-', '(?=[A-Za-z-]{0,20}\\d)[A-Za-z0-9.%-]{16,}'),
  token('Slack token', 'xoxe\\.xox[bp]-', '[A-Za-z0-9-]{16,}'),
  token('Slack token', 'xapp-\\d-', '[A-Za-z0-9-]{24,}'),
  token('Slack webhook', 'hooks\\.slack\\.com/(?:services|workflows|triggers)/', '[A-Za-z0-9/]{24,}'),
  token('Discord webhook', 'discord(?:app)?\\.com/api/webhooks/', '\\d{15,}/[A-Za-z0-9_-]{40,}'),
  token('Discord bot token', '[MNO][A-Za-z0-9_-]{23,27}\\.', '[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,}'),
  token('Telegram bot token', '\\d{8,10}:AA', `${URL_SAFE}{33}(?!${URL_SAFE})`),
  token('Stripe key', '[sr]k_(?:live|test)_', `${WORD}{16,}`),
  token('webhook signing secret', 'whsec_', '[A-Za-z0-9+/]{24,}={0,2}'),
  token('Google API key', 'AIza', `${URL_SAFE}{35}(?!${URL_SAFE})`),
  token('Google API key', 'AQ\\.Ab', `${URL_SAFE}{40,}`),
  token('Google OAuth secret', 'GOCSPX-', `${URL_SAFE}{24,}`),
  token('Google OAuth token', 'ya29\\.', '[A-Za-z0-9_.-]{24,}'),
  token('Google OAuth token', '1//0', `${URL_SAFE}{40,}`),
  token('Azure client secret', '[A-Za-z0-9_~.-]{3}[78]Q~', '[A-Za-z0-9_~.-]{31,}'),
  token('Azure API key', `(?<!${WORD})${WORD}{52}JQQJ9`, `${WORD}{20,}`),
  token('npm token', 'npm_', `${WORD}{36,}`),
  token('PyPI token', 'pypi-Ag', `${URL_SAFE}{50,}`),
  token('RubyGems token', 'rubygems_', `${HEX}{48,}`),
  token('crates.io token', 'cio', `${WORD}{32}(?!${WORD})`),
  token('Docker token', 'dckr_[po]at_', `${URL_SAFE}{24,}`),
  token('Hugging Face token', '(?:hf|api_org)_', '[A-Za-z]{30,}(?![A-Za-z0-9_])'),
  token('Groq API key', 'gsk_', `${WORD}{40,}`),
  token('xAI API key', 'xai-', `${WORD}{60,}`),
  token('Perplexity API key', 'pplx-', `${WORD}{40,}`),
  token('Replicate API token', 'r8_', `${WORD}{37,}`),
  token('Pinecone API key', 'pcsk_', '\\w{40,}'),
  token('Tavily API key', 'tvly-', `${URL_SAFE}{28,}`),
  token('SendGrid API key', 'SG\\.', '[A-Za-z0-9_-]{20,24}\\.[A-Za-z0-9_-]{39,}'),
  token('Mailgun API key', 'key-', `${HEX}{32}(?!${WORD})`),
  token('Resend API key', 're_', '[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?!\\w)'),
  token('DigitalOcean token', 'do[opr]_v1_', `${HEX}{64,}`),
  token('Databricks token', 'dapi', `${HEX}{32}(?:-\\d)?(?!${WORD})`),
  token('Shopify token', 'shp(?:at|ca|pa|ss|tka)_', '[0-9a-fA-F]{32,}'),
  token('Linear API key', 'lin_(?:api|oauth)_', `${WORD}{32,}`),
  token('Notion token', 'ntn_', `${WORD}{40,}`),
  token('Figma token', 'figd_', `${URL_SAFE}{36,}`),
  token('Airtable token', `pat${WORD}{14}\\.`, `${HEX}{64,}`),
  token('Atlassian token', 'AT[AC]TT3', '[A-Za-z0-9_=-]{60,}'),
  token('HashiCorp Vault token', 'hv[sbr]\\.', `${URL_SAFE}{24,}`),
  token('Terraform Cloud token', `(?<!${WORD})${WORD}{14}\\.atlasv1\\.`, `${URL_SAFE}{60,}`),
  token('Doppler token', 'dp\\.(?:pt|st|ct|sa|scim|audit)\\.', '[A-Za-z0-9_.-]{40,}'),
  token('Grafana token', 'gl(?:sa|c)_', '[A-Za-z0-9_+/]{32,}={0,2}'),
  token('New Relic key', 'NRAK-', '[A-Z0-9]{27}'),
  token('Sentry token', 'sntry[su]_', '[A-Za-z0-9_+/=]{40,}'),
  token('Supabase key', 'sbp_', `${HEX}{40,}`),
  token('Supabase key', 'sb_secret_', `${URL_SAFE}{24,}`),
  token('Postman API key', 'PMAK-', '[0-9a-f]{24}-[0-9a-f]{34}'),
  token('Square token', 'sq0(?:atp|csp)-', `${URL_SAFE}{22,}`),
  token('PlanetScale token', 'pscale_(?:tkn|pw|oauth)_', '[A-Za-z0-9_.-]{32,}'),
  token('HubSpot token', 'pat-(?:na|eu)\\d-', UUID_PATTERN),
  token('Netlify token', 'nfp_', `${WORD}{36,}`),
  token('Fly.io token', 'fm[12][ar]?_', '[A-Za-z0-9+/]{60,}={0,2}'),
  token('1Password token', 'ops_eyJ', `${URL_SAFE}{100,}={0,2}`),
  token('age secret key', 'AGE-SECRET-KEY-1', '[0-9A-Z]{58}'),
  token('Alibaba access key', 'LTAI', `${WORD}{16,26}(?!${WORD})`),
  {
    kind: 'Mapbox secret token',
    pattern: /\bsk\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{16,}/g,
    accept: (secret) => !isPlaceholder(secret),
  },
];
