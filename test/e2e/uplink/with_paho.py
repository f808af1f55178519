"""A program of the gateway with Paho 2: subscribes, waits for "go", publishes with QoS 1 and waits for every PUBACK."""

import json
import ssl
import sys
import threading

import paho.mqtt.client as mqtt

given = json.loads(sys.argv[1])
subscribed, go = threading.Event(), threading.Event()

client = mqtt.Client(
    mqtt.CallbackAPIVersion.VERSION2,
    client_id="sensors",
    clean_session=False,
    transport="unix" if "unix" in given else "tcp",
)
if "user" in given:
    client.username_pw_set(given["user"], given["password"])
if "ca" in given:
    # azure-iot-device 2.14, mqtt_transport.py: PROTOCOL_TLSv1_2, CERT_REQUIRED, check_hostname.
    context = ssl.SSLContext(ssl.PROTOCOL_TLSv1_2 if given.get("tls12") else ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_verify_locations(given["ca"])
    client.tls_set_context(context)


def on_connect(client, userdata, flags, reason, properties):
    print("connected", reason.value, flush=True)
    client.subscribe(given["filter"], qos=1)


def on_message(client, userdata, message):
    print("received", message.payload.decode(), flush=True)
    go.set()


client.on_connect, client.on_message = on_connect, on_message
if "unix" in given:
    client.connect(given["unix"], keepalive=60)
else:
    client.connect("localhost", given["port"], keepalive=60)
client.loop_start()
if not go.wait(20):
    sys.exit("no message came")
sent = [client.publish(given["topic"], str(number), qos=1) for number in range(given["count"])]
for one in sent:
    one.wait_for_publish(20)
print("published", sum(one.is_published() for one in sent), flush=True)
client.disconnect()
client.loop_stop()
