// Walks through what the Java client can do, and tells what it sees: the same on every server of a version.
//
// usage: Walk SERVER DIRECT, two addresses of one server. Connections to the first are cut when it says `cut`.

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.*;
import org.apache.zookeeper.data.*;

public final class Walk {
    /** Longer than anything here takes. */
    private static final int LIMIT_S = 20;
    private static final int TIMEOUT_MS = 4000;

    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final String server;
    private ZooKeeper zk;

    private Walk(String server) throws Exception {
        this.server = server;
        zk = new ZooKeeper(server, TIMEOUT_MS, event -> events.add(told(event)));
        expect("connected", 1);
    }

    public static void main(String[] addresses) throws Exception {
        Walk walk = new Walk(addresses[0]);
        Walk other = new Walk(addresses[1]);
        walk.nodes();
        walk.permissions(other);
        walk.multis();
        walk.watches(other);
        walk.lastingWatches(other);
        walk.cut(other);
        walk.end(other);
        other.zk.close();
    }

    private interface Act {
        Object run() throws Exception;
    }

    private static void say(String what, Act act) throws Exception {
        Object result;
        try {
            result = act.run();
        } catch (KeeperException error) {
            result = error.code();
        }
        System.out.println(what + ": " + (result instanceof Stat ? told((Stat) result) : result));
    }

    private static String told(WatchedEvent event) {
        return event.getType() + " " + event.getState() + " " + event.getPath();
    }

    private static String told(Stat stat) {
        return stat.getVersion() + " " + stat.getCversion() + " " + stat.getAversion() + " "
            + (stat.getEphemeralOwner() == 0) + " " + stat.getDataLength() + " " + stat.getNumChildren() + " "
            + (stat.getCzxid() == stat.getMzxid()) + " " + (stat.getCzxid() == stat.getPzxid());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void expect(String what, int count) throws Exception {
        for (int at = 0; at < count; at++) {
            String event = events.poll(LIMIT_S, TimeUnit.SECONDS);
            System.out.println(what + ": " + (event == null ? "nothing" : event));
        }
    }

    private String create(String path, CreateMode mode) throws Exception {
        return zk.create(path, bytes("data"), ZooDefs.Ids.OPEN_ACL_UNSAFE, mode);
    }

    private static List<String> sorted(List<String> names) {
        List<String> sorted = new ArrayList<>(names);
        Collections.sort(sorted);
        return sorted;
    }

    private void nodes() throws Exception {
        Stat stat = new Stat();
        for (CreateMode mode : new CreateMode[] {
            CreateMode.PERSISTENT, CreateMode.EPHEMERAL, CreateMode.PERSISTENT_SEQUENTIAL,
            CreateMode.EPHEMERAL_SEQUENTIAL, CreateMode.CONTAINER}) {
            say("create " + mode, () -> create("/" + mode, mode));
        }
        say("create with stat", () -> zk.create("/s", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, stat));
        say("its stat", () -> stat);
        say("create with time to live", () -> zk.create(
            "/t", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 100_000));
        say("create again", () -> create("/s", CreateMode.PERSISTENT));
        say("create below nothing", () -> create("/no/s", CreateMode.PERSISTENT));
        say("create below an ephemeral", () -> create("/EPHEMERAL/s", CreateMode.PERSISTENT));
        say("get", () -> new String(zk.getData("/PERSISTENT", false, stat), StandardCharsets.UTF_8));
        say("get null", () -> Arrays.toString(zk.getData("/s", false, stat)));
        say("set", () -> zk.setData("/s", bytes("more"), 0));
        say("set another version", () -> zk.setData("/s", bytes("more"), 0));
        say("exists", () -> zk.exists("/no", false));
        say("children", () -> sorted(zk.getChildren("/", false, stat)));
        say("all children", () -> zk.getAllChildrenNumber("/"));
        say("ephemerals", () -> sorted(zk.getEphemerals()));
        say("configuration", () -> zk.getData("/zookeeper/config", false, stat).length);
        say("delete", () -> {
            zk.delete("/PERSISTENT", -1);
            return zk.exists("/PERSISTENT", false);
        });
        say("delete the root", () -> {
            zk.delete("/", -1);
            return "done";
        });
        say("sync", () -> {
            LinkedBlockingQueue<String> done = new LinkedBlockingQueue<>();
            zk.sync("/s", (code, path, context) -> done.add(code + " " + path), null);
            return done.poll(LIMIT_S, TimeUnit.SECONDS);
        });
    }

    private void permissions(Walk other) throws Exception {
        zk.addAuthInfo("digest", bytes("me:secret"));
        say("who am I", () -> {
            List<String> ids = new ArrayList<>();
            zk.whoAmI().forEach(id -> ids.add(id.getAuthScheme() + ":" + id.getUser()));
            return sorted(ids);
        });
        say("create for me", () -> zk.create("/mine", bytes("x"), ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT));
        say("its acl", () -> zk.getACL("/mine", new Stat()));
        say("read by others", () -> other.zk.getData("/mine", false, null));
        say("acl by others", () -> other.zk.getACL("/mine", new Stat()));
        say("open it", () -> zk.setACL("/mine", ZooDefs.Ids.READ_ACL_UNSAFE, 0));
        say("read by others", () -> other.zk.getData("/mine", false, null).length);
        say("written by others", () -> other.zk.setData("/mine", bytes("y"), -1));
        say("a bad acl", () -> zk.setACL("/s", Collections.singletonList(new ACL(31, new Id("digest", "bad"))), -1));
    }

    private static Object told(List<OpResult> results) {
        List<String> told = new ArrayList<>();
        for (OpResult result : results) {
            String text = result.getClass().getSimpleName() + " " + result.getType();
            if (result instanceof OpResult.ErrorResult) {
                text += " " + ((OpResult.ErrorResult) result).getErr();
            } else if (result instanceof OpResult.CreateResult) {
                text += " " + ((OpResult.CreateResult) result).getPath();
            } else if (result instanceof OpResult.SetDataResult) {
                text += " " + told(((OpResult.SetDataResult) result).getStat());
            } else if (result instanceof OpResult.GetChildrenResult) {
                text += " " + sorted(((OpResult.GetChildrenResult) result).getChildren());
            }
            told.add(text);
        }
        return told;
    }

    private void multis() throws Exception {
        List<ACL> open = ZooDefs.Ids.OPEN_ACL_UNSAFE;
        say("multi", () -> told(zk.multi(Arrays.asList(
            Op.create("/m", null, open, CreateMode.PERSISTENT), Op.create("/m/n-", null, open, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.setData("/m", bytes("z"), 0), Op.check("/m", 1), Op.delete("/m/n-0000000000", -1)))));
        try {
            zk.multi(Arrays.asList(Op.setData("/m", null, -1), Op.check("/m", 7), Op.delete("/m", -1)));
            System.out.println("a multi was to fail");
        } catch (KeeperException error) {
            System.out.println("multi fails: " + error.code() + " " + told(error.getResults()));
        }
        say("nothing of it was done", () -> zk.exists("/m", false));
        say("many reads", () -> told(zk.multi(Arrays.asList(Op.getData("/m"), Op.getChildren("/m"), Op.getData("/no")))));
        say("transaction", () -> told(zk.transaction().check("/m", 1).delete("/m", 1).commit()));
    }

    private void watches(Walk other) throws Exception {
        create("/w", CreateMode.PERSISTENT);
        zk.getData("/w", true, null);
        zk.getChildren("/w", true);
        zk.exists("/w/x", true);
        other.create("/w/x", CreateMode.PERSISTENT);
        expect("a child is created", 2);
        other.zk.setData("/w", null, -1);
        expect("data is set", 1);
        zk.exists("/w/x", true);
        zk.getChildren("/w", true);
        other.zk.delete("/w/x", -1);
        expect("a child is deleted", 2);
    }

    private void lastingWatches(Walk other) throws Exception {
        Watcher watcher = event -> events.add("lasting " + told(event));
        zk.addWatch("/w", watcher, AddWatchMode.PERSISTENT_RECURSIVE);
        other.create("/w/a", CreateMode.PERSISTENT);
        other.create("/w/a/b", CreateMode.PERSISTENT);
        other.zk.setData("/w/a/b", null, -1);
        other.zk.delete("/w/a/b", -1);
        other.zk.delete("/w/a", -1);
        expect("below", 5);
        say("remove it", () -> {
            zk.removeWatches("/w", watcher, Watcher.WatcherType.Any, false);
            return "done";
        });
        expect("the watch", 1);
        say("remove none", () -> {
            zk.removeAllWatches("/w/none", Watcher.WatcherType.Any, false);
            return "done";
        });
        zk.addWatch("/w", watcher, AddWatchMode.PERSISTENT);
        other.create("/w/a", CreateMode.PERSISTENT);
        other.zk.setData("/w", null, -1);
        expect("at", 2);
        other.zk.delete("/w/a", -1);
        expect("at", 1);
        zk.removeWatches("/w", watcher, Watcher.WatcherType.Any, false);
        expect("the watch", 1);
    }

    private void cut(Walk other) throws Exception {
        create("/c", CreateMode.PERSISTENT);
        create("/c/held", CreateMode.EPHEMERAL);
        zk.getData("/c", true, null);
        zk.exists("/c/new", true);
        long session = zk.getSessionId();
        System.out.println("cut");
        System.in.read();
        expect("cut off", 1);
        other.zk.setData("/c", bytes("while away"), -1);
        other.create("/c/new", CreateMode.PERSISTENT);
        List<String> heard = new ArrayList<>();
        for (int at = 0; at < 3; at++) {
            heard.add(events.poll(LIMIT_S, TimeUnit.SECONDS));
        }
        System.out.println("back again: " + sorted(heard) + " in the same session " + (session == zk.getSessionId()));
        say("what it holds", () -> zk.exists("/c/held", false));
    }

    private void end(Walk other) throws Exception {
        other.zk.exists("/c/held", true);
        ZooKeeper moved = new ZooKeeper(server, TIMEOUT_MS, event -> { }, zk.getSessionId(), new byte[16]);
        say("a stranger", () -> {
            for (int at = 0; at < LIMIT_S * 10 && moved.getState().isAlive(); at++) {
                Thread.sleep(100);
            }
            return moved.getState();
        });
        events.poll(LIMIT_S, TimeUnit.SECONDS);
        expect("on another connection", 1);
        zk.close();
        other.expect("the end of a session", 1);
        say("after the end", () -> zk.exists("/", false));
    }
}
