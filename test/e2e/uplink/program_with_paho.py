"""A program of the gateway with Paho 2. It connects as `newleaf uplink show` says, subscribes whenever it is connected, answers
each direct method, and does what it is told on stdin. One line of JSON for each thing that happens."""

import json
import ssl
import sys
import threading
import warnings

import paho.mqtt.client as mqtt

given = json.loads(sys.argv[1])
# Of PROTOCOL_TLSv1_2.
warnings.simplefilter("ignore", DeprecationWarning)


def tell(**what):
    print(json.dumps(what), flush=True)


if "lines" in given:
    pasted = {}
    exec("\n".join(given["lines"]), pasted)
    client = pasted["client"]
else:
    # azure-iot-device 2.14, mqtt_transport.py: PROTOCOL_TLSv1_2, CERT_REQUIRED, check_hostname.
    context = ssl.SSLContext(ssl.PROTOCOL_TLSv1_2)
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_verify_locations(given["ca"])
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=given["id"])
    client.tls_set_context(context)
    client.username_pw_set(given["user"], given["password"])
    client.connect(given["host"], given["port"])
    client.loop_start()

# PUBACK may come before publish() has returned.
sent, sending = {}, threading.Lock()


def subscribe(*_):
    client.subscribe([(one, 1) for one in given["filters"]])


def on_message(client, userdata, message):
    body = message.payload.decode()
    tell(came=message.topic, body=body)
    if message.topic.startswith("$iothub/methods/POST/"):
        name, request = message.topic.split("/")[3:5]
        answer = json.dumps({"by": given["id"], "method": name, "got": json.loads(body)})
        client.publish(f"$iothub/methods/res/200/{request}", answer)


def on_publish(client, userdata, mid, *_):
    with sending:
        if mid in sent:
            tell(published=sent.pop(mid))


client.on_message = on_message
client.on_subscribe = lambda *_: tell(subscribed=True)
client.on_publish = on_publish
client.on_disconnect = lambda *_: tell(lost=True)
client.on_connect = subscribe
if client.is_connected():
    subscribe()

for line in sys.stdin:
    order = json.loads(line)
    with sending:
        sent[client.publish(order["topic"], order["body"], qos=order["qos"]).mid] = order["body"]
