import os
import pickle
import random
import secrets
import subprocess

import httpx
import jwt
import yaml

# ruleid: evaluated-code
eval(text)
# ruleid: evaluated-code
exec(text)
# ok: evaluated-code
evaluate(text)

# ruleid: shell-command
subprocess.run(command, shell=True)
# ruleid: shell-command
os.system(command)
# ok: shell-command
subprocess.run(["git", "status"], check=True)

# ruleid: unsafe-yaml
yaml.load(document)
# ruleid: unsafe-yaml
yaml.load(document, Loader=yaml.Loader)
# ruleid: unsafe-yaml
yaml.load(document, yaml.UnsafeLoader)


# ruleid: unsafe-yaml
class Unsafe(yaml.Loader):
    pass


# ok: unsafe-yaml
class TemplateLoader(yaml.SafeLoader):
    pass


# ok: unsafe-yaml
yaml.load(document, TemplateLoader)
# ok: unsafe-yaml
yaml.safe_load(document)
# ok: unsafe-yaml
yaml.load(document, Loader=yaml.SafeLoader)

# ruleid: unsafe-deserialization
pickle.loads(body)
# ok: unsafe-deserialization
json.loads(body)

# ruleid: unverified-tls
httpx.get(url, verify=False)
# ruleid: unverified-tls
httpx.Client(verify=False)
# ok: unverified-tls
httpx.get(url)

# ruleid: hard-coded-secret
cursor_secret = "correct horse battery staple"
# ruleid: hard-coded-secret
access_key = "AKIAABCDEFGHIJKLMNOP"
# ok: hard-coded-secret
cursor_secret = os.environ["CURSOR_SECRET"]

# ruleid: unverified-token
jwt.decode(token, key)
# ruleid: unverified-token
jwt.decode(token, key, algorithms=["RS256"], options={"verify_signature": False})
# ruleid: unverified-token
jwt.decode(token, key, algorithms=["RS256", "none"])
# ok: unverified-token
jwt.decode(token, key, algorithms=["RS256"], options={"require": ["exp"]})

# ruleid: weak-randomness
cursor_secret = random.randbytes(32)
# ok: weak-randomness
cursor_secret = secrets.token_bytes(32)
# ok: weak-randomness
pause = random.uniform(0, 1)
